-- Removes a schedule. The jobs that it made stay.
-- ARGV: key
-- Returns: 1, or 0 if there was none
call('ZREM', due, SCHEDULE .. ARGV[1])
return call('HDEL', schedules, ARGV[1])
