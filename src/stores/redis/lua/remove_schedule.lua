-- Removes a schedule. The jobs that it made stay.
-- ARGV: key
-- Returns: 1, or 0 if there was none
local key = argument()
call('ZREM', due, SCHEDULE .. key)
return call('HDEL', schedules, key)
