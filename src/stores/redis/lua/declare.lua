-- Activates declared schedules, if the manifest and they have not changed since they were read.
-- ARGV: manifest as read ('' for none), new manifest, number of schedules to store, then for each: key, record, score,
--   score as read ('' for none), then the keys to remove
-- Returns: 1 or 0
local current = call('GET', manifest) or ''
if current == ARGV[2] then return 1 end
if current ~= ARGV[1] then return 0 end
local puts_end = 3 + tonumber(ARGV[3]) * 4
local put = rows(4, puts_end, { 'key', 'record', 'score', 'read' })
local records, scores, members = {}, {}, {}
for _, schedule in ipairs(put) do
  local member = SCHEDULE .. schedule.key
  push(records, schedule.key, schedule.record)
  push(scores, schedule.score, member)
  push(members, member)
end
-- A schedule that is already at the new score may have been stored by an earlier send.
local unsure, expected = {}, {}
for i, score in ipairs(read_many('ZMSCORE', due, members)) do
  local schedule = put[i]
  if tonumber(score or -1) ~= tonumber(schedule.read ~= '' and schedule.read or -1) then
    if not score or tonumber(score) ~= tonumber(schedule.score) then return 0 end
    push(unsure, schedule.key)
    push(expected, schedule.record)
  end
end
for i, record in ipairs(read_many('HMGET', schedules, unsure)) do
  if record ~= expected[i] then return 0 end
end
local gone, leaving = {}, {}
for at = puts_end + 1, #ARGV do
  push(gone, ARGV[at])
  push(leaving, SCHEDULE .. ARGV[at])
end
call_many('HSET', schedules, records)
call_many('ZADD', due, scores)
call_many('ZREM', due, leaving)
call_many('HDEL', schedules, gone)
call('SET', manifest, ARGV[2])
return 1
