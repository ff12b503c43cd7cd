-- Moves jobs from the dead-letter queue back to the waiting ones.
-- @arg resend flag, now number, list rows(id dead_since:digits score:digits record flow)
-- @reply list(flag)  0: it has not been dead since then
-- include: _statistics.lua
-- include: _families.lua
local ids = {}
for _, job in ipairs(list) do push(ids, job.id) end
load_keys(push_keys({}, list), now)

local reply = {}
local retrying = {}
local function choose()
  local live = read_many('ZMSCORE', due, ids)
  local dead_since = read_many('ZMSCORE', dead, ids)
  local seen = {}
  for i, job in ipairs(list) do
    local is_dead = dead_since[i] and tonumber(dead_since[i]) == tonumber(job.dead_since) and not seen[job.id]
    -- Retried by an earlier send, it may be anywhere by now, even dead again in the same millisecond.
    local function is_in(records) return is_own(call('HGET', records, job.id), job.record) end
    local was_retried = resend and (is_in(jobs) or is_in(dead_jobs))
    -- A new job with the same id stays as it is.
    local is_retried = is_dead and not live[i] and not was_retried
    reply[i] = (is_retried or was_retried) and 1 or 0
    if is_retried then
      seen[job.id] = true
      push(retrying, job)
      note_child(job.id, 'retried')
    end
  end
end

-- What a parent waits for again that has not begun; nil if it does not.
local function held_again(children, score, stored)
  local counts = released_counts(stored, score, now)
  for _, child in ipairs(counts and children or {}) do
    if child.number < counts[2] + counts[3] + counts[4] then return table.concat(counts, ':') end
  end
end

-- Counts the children that are retried. Parents that have not begun wait again, and leave the lines of their keys. All
-- of this comes before the children live again, so that none of them ends uncounted.
local function hold_parents()
  local held = {}
  local holding = {}
  local scores = read_many('ZMSCORE', due, parents)
  local stored = read_many('HMGET', jobs, parents)
  load_keys_of(stored, now)
  for i, id in ipairs(parents) do
    local score, in_line = out_of_line(scores[i] or UPPER)
    held[id] = held_again(ended_children[id], score, stored[i])
    if held[id] then
      push(holding, whole(FOR_CHILDREN + score % 1024), id)
      local key, order = flow_of(stored[i])
      if in_line then remove(lanes_by_key[key], order, score, id) end
    end
  end
  count_children(now, held)
  store_families()
  if #holding > 0 then commit_keys(now, holding) end
end

choose()
hold_parents()
local records, members, retried, leaving = {}, {}, {}, {}
for _, job in ipairs(retrying) do
  local score, record = line_up(job, now)
  push(records, job.id, record)
  push(members, score, job.id)
  push(retried, job.id)
  push(leaving, job.id, group_entry(job.dead_since, job.id))
end
store_new(records)
commit_keys(now, members)
call_many('ZREM', dead, leaving)
call_many('HDEL', dead_jobs, retried)
if #retried > 0 then count_one(now, RETRIED_DEAD, #retried) end
return reply
