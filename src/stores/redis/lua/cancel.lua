-- Removes waiting jobs, or running ones too.
-- @arg now number, may_run flag, all list(text)
-- @reply list(cancelled|running|missing)
-- include: _families.lua
-- include: _live_jobs.lua
-- include: _waiting.lua
local found, refused = find_jobs(all, may_run)
local ids = {}
local removing = {}
local marks = {}
for _, job in ipairs(found) do
  if job.score == FOR_CHILDREN then forget_parent(job.id) end
  note_child(job.id, 'dropped')
  push_wait_marks(marks, job.record, job.id)
  push(ids, job.id)
  push(removing, job.id, LEASE .. job.id)
  if job.key and job.in_line then remove(lanes_by_key[job.key], job.order, job.score, job.id)
  elseif job.key then finish(lanes_by_key[job.key], (unpack_score(job.score))) end
end
count_children(now)
commit_keys(now, {}, removing)
push_all(removing, marks)
call_many('ZREM', due, removing)
call_many('HDEL', jobs, ids)
store_families()
remove_families()
if #found > 0 then add(CANCELLED, #found) end
local reply = {}
for i = 1, #refused do reply[i] = refused[i] or 'cancelled' end
return reply
