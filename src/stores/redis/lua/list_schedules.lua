-- All schedules, or one.
-- ARGV: key (none for all)
-- Returns: for each: key, record, score ('' if it has none, as after an eviction)
local key = argument()
local keys = { key }
local records = {}
if key then
  records = call('HMGET', schedules, key)
else
  local all = call('HGETALL', schedules)
  for i = 1, #all, 2 do
    push(keys, all[i])
    push(records, all[i + 1])
  end
end
local members = {}
for i, each in ipairs(keys) do members[i] = SCHEDULE .. each end
local scores = read_many('ZMSCORE', due, members)
local reply = {}
for i, each in ipairs(keys) do
  if records[i] then push(reply, each, records[i], scores[i] or '') end
end
return reply
