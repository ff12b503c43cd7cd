-- Reads those of the jobs that are dead, as many as fit into one reply.
-- ARGV: most bytes, ids
-- Returns: how many of the ids were read, then for each dead one: id, when it became dead, record
local most_bytes = number_argument()
local ids = rest_of_arguments()
local dead_since = read_many('ZMSCORE', dead, ids)
local records, fitting = read_fitting(dead_jobs, ids, most_bytes)
local reply = { fitting }
for i = 1, fitting do
  if dead_since[i] and records[i] then push(reply, ids[i], dead_since[i], records[i]) end
end
return reply
