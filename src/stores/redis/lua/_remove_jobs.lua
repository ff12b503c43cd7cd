-- Removes live jobs, which were read (_live_jobs.lua).
-- @param released_at before which no parent runs that waits no more.
local function remove_jobs(found, released_at)
  local ids = {}
  local removing = {}
  for _, job in ipairs(found) do
    if waits_for_children(job.score) then forget_parent(job.id) end
    note_child(job.id, 'dropped')
    push(ids, job.id)
    push(removing, job.id, LEASE .. job.id)
    push_wait_marks(removing, job.record, job.id)
    leave_key(job)
  end
  count_children(released_at)
  commit_keys(now, {}, removing)
  call_many('HDEL', jobs, ids)
  store_families()
  remove_families()
  if #found > 0 then count_one(now, CANCELLED, #found) end
end
