-- Stores a schedule, in place of one with the same key.
-- ARGV: key, record, score of its next slot ('' for none)
-- Returns: 1
call('HSET', schedules, ARGV[1], ARGV[2])
if ARGV[3] == '' then
  call('ZREM', due, SCHEDULE .. ARGV[1])
else
  call('ZADD', due, ARGV[3], SCHEDULE .. ARGV[1])
end
return 1
