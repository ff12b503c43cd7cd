-- Tells over how many partitions the queue is spread, which is decided when it is first opened in partitions.
-- ARGV: how many it is to be spread over where nothing is stored of it yet; 1 only asks
-- Returns: how many; 1 where it is in one place
-- A queue in partitions keeps nothing under these keys but a text that says how many there are, in the place of every set and hash:
-- whoever opens it as one that is in one place is refused by Redis itself, at no command, before anything is written.
local kind = call('TYPE', due)
kind = type(kind) == 'table' and kind.ok or kind
if kind == 'string' then return tonumber(string.match(call('GET', due), '^partitions:(%d+)$') or 1) end
if ARGV[1] == '1' or kind ~= 'none' then return 1 end
if call('EXISTS', jobs, dead, dead_jobs, done, dedupe, schedules, flow) > 0 then return 1 end
local text = 'partitions:' .. ARGV[1]
call('MSET', due, text, jobs, text, dead, text, dead_jobs, text, done, text, dedupe, text, schedules, text, flow, text, lanes, text)
return tonumber(ARGV[1])
