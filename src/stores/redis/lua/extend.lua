-- Moves the ends of leases, and rewrites the records under those where one is given.
-- ARGV: nonce, then for each lease: id, lease score, new lease score, record ('' for unchanged)
-- Returns, for each lease: 1, or 0 where it was lost
local nonce, ids = tonumber(ARGV[1]), {}
for i = 2, #ARGV, 4 do push(ids, ARGV[i]) end
local scores = call('ZMSCORE', due, unpack(ids))
local answers, records, members = {}, {}, {}
for i = 2, #ARGV, 4 do
  local id, from, to, record = ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), ARGV[i + 3]
  local score = tonumber(scores[(i + 2) / 4] or -1)
  local holds = score == from or score == to
  if holds and record ~= '' then push(records, id, record) end
  if holds and from ~= to then
    local ends = unpack_score(to)
    push(members, ARGV[i + 2], id, whole(UPPER + ends * 1024 + nonce), LEASE .. id)
  end
  push(answers, holds and 1 or 0)
end
call_many('HSET', jobs, records)
call_many('ZADD', due, members)
return answers
