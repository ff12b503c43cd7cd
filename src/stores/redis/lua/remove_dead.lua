-- Removes jobs from the dead letter for good.
-- ARGV: ids
-- Returns: how many were there
local scores, there = read_many('ZMSCORE', dead, ARGV), {}
for i, id in ipairs(ARGV) do
  if scores[i] then push(there, id) end
end
if #there == 0 then return 0 end
call_many('HDEL', dead_jobs, there)
local removed = call_many('ZREM', dead, there)
add(REMOVED, removed)
return removed
