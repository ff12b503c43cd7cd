-- Activates declared schedules, if the manifest and they have not changed since they were read.
-- ARGV: manifest as read ('' for none), new manifest, number of schedules to store, then for each: key, record, score,
--   score as read ('' for none), then the keys to remove
-- Returns: 1 or 0
local current = call('GET', manifest) or ''
if current == ARGV[2] then return 1 end
if current ~= ARGV[1] then return 0 end
local count, records, scores, gone, members, put, stood = tonumber(ARGV[3]), {}, {}, {}, {}, {}, {}
for at = 4, 3 + count * 4, 4 do
  local member = SCHEDULE .. ARGV[at]
  push(records, ARGV[at], ARGV[at + 1])
  push(scores, ARGV[at + 2], member)
  push(put, member)
  push(stood, ARGV[at + 3] ~= '' and ARGV[at + 3] or -1)
end
-- A schedule that is already at the new score may have been stored by an earlier send.
local unsure, expected = {}, {}
for i, score in ipairs(read_many('ZMSCORE', due, put)) do
  local at = i * 2 - 1
  if tonumber(score or -1) ~= tonumber(stood[i]) then
    if not score or tonumber(score) ~= tonumber(scores[at]) then return 0 end
    push(unsure, records[at])
    push(expected, records[at + 1])
  end
end
for i, record in ipairs(read_many('HMGET', schedules, unsure)) do
  if record ~= expected[i] then return 0 end
end
for at = 4 + count * 4, #ARGV do
  push(gone, ARGV[at])
  push(members, SCHEDULE .. ARGV[at])
end
call_many('HSET', schedules, records)
call_many('ZADD', due, scores)
call_many('ZREM', due, members)
call_many('HDEL', schedules, gone)
call('SET', manifest, ARGV[2])
return 1
