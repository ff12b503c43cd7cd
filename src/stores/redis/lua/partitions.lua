-- Reports how the queue is kept, which is decided when it is first opened in partitions.
-- ARGV: the text under which it is spread if nothing of it is stored yet (spread.ts); an empty one only asks
-- Returns: that text, `whole` or `nothing`
-- A queue in partitions keeps nothing under these keys but a text that says how it is spread, in the place of every set and hash:
-- whoever opens it as one that is in one place is refused by Redis itself, at no command, before anything is written.
local kind = call('TYPE', due)
kind = type(kind) == 'table' and kind.ok or kind
if kind == 'string' then return call('GET', due) end
if kind ~= 'none' then return 'whole' end
if call('EXISTS', jobs, dead, dead_jobs, done, dedupe, schedules, flow, documents) > 0 then return 'whole' end
local text = ARGV[1]
if text == '' then return 'nothing' end
call('MSET', due, text, jobs, text, dead, text, dead_jobs, text, done, text, dedupe, text, schedules, text, flow, text, lanes, text, documents, text, document_names, text)
return text
