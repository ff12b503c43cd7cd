-- Reports how the queue is stored, which is decided when it is first opened with partitions.
-- ARGV: the text that spreads it if nothing of it is stored yet (spread.ts); an empty one only reads; the text of an
--   earlier version that it
--   replaces ('' for none)
-- Returns: the text, `whole` or `nothing`
-- A partitioned queue keeps only a text under these keys that says how it is spread, in place of every set and hash:
-- Redis itself refuses anyone who opens it as unpartitioned, without a command, before anything is written.
-- include: _windows.lua
local text = ARGV[1]
local function spread()
  call('MSET', due, text, jobs, text, dead, text, dead_jobs, text, done, text, done_order, text, dedupe, text, schedules, text, flow, text, lanes, text, documents, text, document_names, text)
  return text
end
local first = try('ZRANGE', due, 0, 0, 'WITHSCORES')
if first.err then
  local stored = call('GET', due) or error(first.err, 0)
  return stored == ARGV[2] and spread() or stored
end
-- Of a queue that is empty the names of its jobs are left.
if first[2] and tonumber(first[2]) < NAMED then return 'whole' end
if call('EXISTS', jobs, dead, dead_jobs, done, dedupe, schedules, flow, documents) > 0 then return 'whole' end
return text == '' and 'nothing' or spread()
