-- All schedules, or one.
-- @arg keys list(text)  none for all
-- @reply rows(key record score:number?)  no score: after an eviction
local records = read_many('HMGET', schedules, keys)
if #keys == 0 then
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
