-- Puts declared schedules in force, if the manifest is still the one that was read.
-- ARGV: manifest as read ('' for none), new manifest, number of schedules to store, then for each: key, record, score ('' for none),
--   then the keys to remove
-- Returns: 1 or 0
local current = call('GET', manifest) or ''
if current ~= ARGV[1] and current ~= ARGV[2] then return 0 end
call('SET', manifest, ARGV[2])
local count, records, scores, gone, members = tonumber(ARGV[3]), {}, {}, {}, {}
for at = 4, 3 + count * 3, 3 do
  push(records, ARGV[at], ARGV[at + 1])
  if ARGV[at + 2] == '' then push(members, SCHEDULE .. ARGV[at]) else push(scores, ARGV[at + 2], SCHEDULE .. ARGV[at]) end
end
for at = 4 + count * 3, #ARGV do
  push(gone, ARGV[at])
  push(members, SCHEDULE .. ARGV[at])
end
call_many('HDEL', schedules, gone)
call_many('ZREM', due, members)
call_many('HSET', schedules, records)
call_many('ZADD', due, scores)
return 1
