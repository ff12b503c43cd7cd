-- Reports how the queue is stored, which is decided when it is first opened with partitions.
-- ARGV: the text that spreads it if nothing of it is stored yet (layout.ts; '' only reads)
-- Returns: the text, `whole` or `nothing`
-- A partitioned queue keeps only a text under these keys that says how it is spread, in place of every set and hash:
-- Redis itself refuses anyone who opens it as unpartitioned, without a command, before anything is written.
-- include: _windows.lua
local text = argument()

local first = try('ZRANGE', due, 0, 0, 'WITHSCORES')
if first.err then return call('GET', due) or error(first.err, 0) end
-- An empty queue still has the names of its jobs.
if first[2] and tonumber(first[2]) < NAMED then return 'whole' end
if call('EXISTS', jobs, dead, dead_jobs, done, dedupe, schedules, flow, documents, signals) > 0 then return 'whole' end
if text == '' then return 'nothing' end

local fields = {}
for _, key in ipairs({ due, jobs, dead, dead_jobs, done, done_order, dedupe, schedules, flow, lanes, documents, document_names }) do
  push(fields, key, text)
end
call('MSET', unpack(fields))
return text
