-- Moves the ends of leases, and rewrites the records of those for which one is given.
-- ARGV: nonce, then for each lease: id, lease score, new lease score, record ('' for unchanged), record with which it
--   was leased at enqueue
--   ('' if it was not)
-- Returns, for each lease: 1, or 0 if it was lost
local nonce = tonumber(ARGV[1])
local renewals = rows(2, #ARGV, { 'id', 'from', 'to', 'record', 'birth' })
local names = {}
for _, renewal in ipairs(renewals) do
  push(names, renewal.id)
  if renewal.birth ~= '' then push(names, BORN .. renewal.id) end
end
local at = {}
for i, score in ipairs(read_many('ZMSCORE', due, names)) do at[names[i]] = tonumber(score or -1) end
local answers, records, members, gone = {}, {}, {}, {}
for _, renewal in ipairs(renewals) do
  local id = renewal.id
  local was_born = renewal.birth ~= ''
  local name = was_born and BORN .. id or id
  local from = tonumber(renewal.from)
  local to = tonumber(renewal.to)
  local record = renewal.record
  local holds = at[name] == from or at[id] == to
  -- If it was leased at enqueue, it continues under its id.
  if holds and was_born then
    push(gone, name, born_index(id, renewal.birth))
    if record == '' then record = renewal.birth end
  end
  if holds and record ~= '' then push(records, id, record) end
  if holds and (from ~= to or was_born) then
    local ends = unpack_score(to)
    push(members, renewal.to, id, whole(UPPER + ends * 1024 + nonce), LEASE .. id)
  end
  push(answers, holds and 1 or 0)
end
call_many('HSET', jobs, records)
call_many('ZADD', due, members)
call_many('ZREM', due, gone)
return answers
