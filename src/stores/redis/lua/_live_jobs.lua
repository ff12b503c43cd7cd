-- Finds live jobs by their ids, to cancel them or to move them.

-- Returns those that may be changed, and for each id why it may not: 'missing', 'running', or false. It loads the keys
-- of the jobs.
local function find_jobs(ids, may_run)
  local scores = read_many('ZMSCORE', due, ids)
  local found = {}
  local refused = {}
  local keyed = {}
  local keyed_ids = {}
  local keys = {}
  for i, id in ipairs(ids) do
    local score = tonumber(scores[i] or -1)
    local _, claims, leased = unpack_score(score)
    local job = { id = id, in_line = score >= IN_LINE, score = score >= IN_LINE and score - IN_LINE or score }
    refused[i] = score < 0 and 'missing' or leased == 1 and job.score >= after(now) and not may_run and 'running'
    if not refused[i] then
      push(found, job)
      if job.in_line or leased == 1 or claims > 0 then
        -- A job that waits outside of lines has no key. One with a lease may have one. One that was attempted may wait
        -- for a signal.
        push(keyed, job)
        push(keyed_ids, id)
      end
    end
  end
  for i, record in ipairs(read_many('HMGET', jobs, keyed_ids)) do
    keyed[i].key, keyed[i].order = flow_of(record)
    keyed[i].record = record
    if keyed[i].key then push(keys, keyed[i].key) end
  end
  load_keys(keys, now)
  return found, refused
end
