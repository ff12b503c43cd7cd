-- Stores a schedule in place of the one with its key, if that one has not changed since it was read.
-- ARGV: key, record, score, score as read ('' for none)
-- Returns: 1 or 0
local key = argument()
local record = argument()
local score = argument()
local read = number_argument() or -1
local stored = tonumber(call('ZSCORE', due, SCHEDULE .. key) or -1)
local repeated = stored == tonumber(score) and call('HGET', schedules, key) == record
if stored ~= read and not repeated then return 0 end
call('HSET', schedules, key, record)
call('ZADD', due, score, SCHEDULE .. key)
return 1
