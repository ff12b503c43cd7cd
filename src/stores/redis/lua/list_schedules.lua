-- All schedules, or one.
-- ARGV: key (none for all)
-- Returns: for each: key, record, score ('' if it has none, as after an eviction)
local keys, records = { ARGV[1] }, {}
if ARGV[1] then
  records = call('HMGET', schedules, ARGV[1])
else
  local all = call('HGETALL', schedules)
  for i = 1, #all, 2 do push(keys, all[i]) push(records, all[i + 1]) end
end
local members, reply = {}, {}
for i, key in ipairs(keys) do members[i] = SCHEDULE .. key end
local scores = read_many('ZMSCORE', due, members)
for i, key in ipairs(keys) do
  if records[i] then push(reply, key, records[i], scores[i] or '') end
end
return reply
