-- Removes waiting jobs, or running ones too.
-- ARGV: now, whether they may run (0 or 1), ids
-- Returns: for each id 'cancelled' | 'running' | 'missing'
local now = tonumber(ARGV[1])
-- include: _live_jobs.lua
local found, reply = find_jobs({ unpack(ARGV, 3) }, ARGV[2] == '1')
local ids, removing = {}, {}
for _, job in ipairs(found) do
  if job.born then push(removing, job.born, born_index(job.id, job.first)) end
  if job.is_own then
    push(ids, job.id)
    push(removing, job.id, LEASE .. job.id)
  end
  if job.key and job.in_line then remove(lane_of[job.key], job.order, job.score, job.id)
  elseif job.key then finish(lane_of[job.key]) end
end
commit_lanes(now, {}, removing)
surely('HDEL', jobs, ids)
surely('ZREM', due, removing)
if #found > 0 then add(CANCELLED, #found) end
for i = 1, #reply do reply[i] = reply[i] or 'cancelled' end
return reply
