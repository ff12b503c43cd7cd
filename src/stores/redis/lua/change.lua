-- Rewrites a waiting job if it has not changed since it was read.
-- @arg id text, read_time number, read_claims number, new_score number  time and claims as read
-- @arg record text?, prefix text  no record: unchanged; prefix: '2:ORDER:KEY:...:' of its key, '' if it has none
-- @reply flag
-- include: _live_jobs.lua
local job = live_job(id, call('ZSCORE', due, id))
local is_parent = waits_for_children(job.score)
local is_unchanged = job.time == read_time and job.claims == read_claims
local has_record = record ~= ''
local stored = has_record and (is_parent or not is_unchanged) and call('HGET', jobs, id) or ''
-- The caller does not know the key of a parent that waits.
if is_parent then prefix = string.sub(stored, 1, #stored - #without_prefix(stored)) end
record = prefix .. record
local score = is_parent and FOR_CHILDREN + new_score % 1024 or new_score
if not is_unchanged then return job.score == score and (not has_record or stored == record) and 1 or 0 end
if has_record then call('HSET', jobs, id, record) end
-- A parent still waits for its children, whenever it may run.
if is_parent then
  local run_at = unpack_score(new_score)
  if run_at ~= job.time then
    local text = call('HGET', families, id) or ''
    call('HSET', families, id, (string.gsub(text, '%d+$', whole(run_at), 1)))
  end
  if score ~= job.score then call('ZADD', due, whole(score), id) end
  return 1
end
local key, order = flow_of(prefix)
load_keys({ key })
job.lane, job.order = lanes_by_key[key], order
local adding = {}
move_to(job, new_score, adding)
commit_keys(0, adding)
return 1
