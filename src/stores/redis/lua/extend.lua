-- Moves the ends of leases, and rewrites the records of those for which one is given.
-- ARGV: nonce, then for each lease: id, lease score, new lease score, record ('' for unchanged), record with which it was leased at enqueue
--   ('' if it was not)
-- Returns, for each lease: 1, or 0 if it was lost
local nonce, names, at = tonumber(ARGV[1]), {}, {}
for i = 2, #ARGV, 5 do
  push(names, ARGV[i])
  if ARGV[i + 4] ~= '' then push(names, BORN .. ARGV[i]) end
end
for i, score in ipairs(read_many('ZMSCORE', due, names)) do at[names[i]] = tonumber(score or -1) end
local answers, records, members, gone = {}, {}, {}, {}
for i = 2, #ARGV, 5 do
  local id, from, to, record, first = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3], ARGV[i + 4]
  local name = first == '' and id or BORN .. id
  local holds = at[name] == from or at[id] == to
  -- If it was leased at enqueue, it continues under its id.
  if holds and first ~= '' then
    push(gone, name, born_index(id, first))
    if record == '' then record = first end
  end
  if holds and record ~= '' then push(records, id, record) end
  if holds and (from ~= to or first ~= '') then
    local ends = unpack_score(to)
    push(members, ARGV[i + 2], id, whole(UPPER + ends * 1024 + nonce), LEASE .. id)
  end
  push(answers, holds and 1 or 0)
end
call_many('HSET', jobs, records)
call_many('ZADD', due, members)
call_many('ZREM', due, gone)
return answers
