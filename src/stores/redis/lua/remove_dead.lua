-- Removes jobs from the dead letter for good.
-- ARGV: ids
-- Returns: how many were there
local died, there, left, seen = read_many('ZMSCORE', dead, ARGV), {}, {}, {}
for i, id in ipairs(ARGV) do
  if died[i] and not seen[id] then
    seen[id] = true
    push(there, id)
    push(left, id, entry_of(died[i], id))
  end
end
if #there == 0 then return 0 end
call_many('HDEL', dead_jobs, there)
call_many('ZREM', dead, left)
add(REMOVED, #there)
return #there
