-- Moves the ends of leases, and rewrites the records of those for which one is given.
-- ARGV: nonce, then for each lease: id, lease score, new lease score, record ('' for unchanged), record that the job
--   was born with ('' if it was not)
-- Returns: for each lease 1, or 0 if it is gone
local nonce = number_argument()
local renewals = {}
local names = {}
while arguments_read < #ARGV do
  local renewal = { id = argument(), from = number_argument(), to = argument(), record = argument(), birth = argument() }
  push(renewals, renewal)
  push(names, renewal.id)
  if renewal.birth ~= '' then push(names, BORN .. renewal.id) end
end
local at = {}
for i, score in ipairs(read_many('ZMSCORE', due, names)) do at[names[i]] = tonumber(score or -1) end
local reply = {}
local records = {}
local members = {}
local gone = {}
for _, renewal in ipairs(renewals) do
  local id = renewal.id
  local was_born = renewal.birth ~= ''
  local name = was_born and BORN .. id or id
  local to = tonumber(renewal.to)
  local record = renewal.record
  local holds = at[name] == renewal.from or at[id] == to
  -- A born job goes on under its id.
  if holds and was_born then
    push(gone, name, born_index(id, renewal.birth))
    if record == '' then record = renewal.birth end
  end
  if holds and record ~= '' then push(records, id, record) end
  if holds and (renewal.from ~= to or was_born) then
    local ends = unpack_score(to)
    push(members, renewal.to, id, whole(UPPER + ends * 1024 + nonce), LEASE .. id)
  end
  push(reply, holds and 1 or 0)
end
call_many('HSET', jobs, records)
call_many('ZADD', due, members)
call_many('ZREM', due, gone)
return reply
