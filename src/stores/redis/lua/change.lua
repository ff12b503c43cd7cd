-- Rewrites a waiting job if it has not changed since it was read.
-- @arg id text, read_time number, read_claims number, new_score number  time and claims as read
-- @arg record text?, prefix text  no record: unchanged; prefix: '2:ORDER:KEY:...:' of its key, '' if it has none
-- @reply flag
-- include: _live_jobs.lua
record = record ~= '' and prefix .. record
local job = live_job(id, call('ZSCORE', due, id))
local unchanged = job.time == read_time and job.claims == read_claims
local repeated = job.score == new_score and (not record or call('HGET', jobs, id) == record)
if not unchanged and not repeated then return 0 end
-- A parent still waits for its children, whenever it may run.
if job.score == FOR_CHILDREN then
  if record then
    local key_head = string.match(call('HGET', jobs, id) or '', '^2:%d+:[^:]+:%d+:%d+:%d+:%d:') or ''
    call('HSET', jobs, id, key_head .. record)
  end
  if new_score ~= job.score then
    local text = call('HGET', families, id) or ''
    call('HSET', families, id, (string.gsub(text, '%d+$', whole(unpack_score(new_score)), 1)))
  end
  return 1
end
if record then call('HSET', jobs, id, record) end
local key, order = flow_of(prefix)
load_keys({ key })
job.lane, job.order = lanes_by_key[key], order
commit_keys(0, { move_to(job, new_score), id })
return 1
