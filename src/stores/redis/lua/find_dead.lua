-- Reads those of the jobs that are dead, as many as fit into one answer.
-- ARGV: bytes at most, then ids
-- Returns: how many of the ids were read, then for each dead one: id, when it died, record
local ids = { unpack(ARGV, 2) }
local died = read_many('ZMSCORE', dead, ids)
local records, looked = read_fitting(dead_jobs, ids, tonumber(ARGV[1]))
local reply = { looked }
for i = 1, looked do
  if died[i] and records[i] then push(reply, ids[i], died[i], records[i]) end
end
return reply
