-- Moves jobs from the dead-letter queue back to the waiting ones.
-- ARGV: whether an earlier send may have arrived (0 or 1), now, then for each job: id, when it became dead, new score,
--   record, KEY:CONCURRENCY:RATE:PERIOD:ORDERED: of its flow control key ('' for none), head (_family.lua) if it waits
--   for its children ('' if not)
-- Returns: 1 or 0 for each; 0 if the job has not been dead since then
-- include: _family.lua
local resend = flag_argument()
local now = number_argument()
local list = {}
local ids = {}
local keys = {}
-- The members of `due` that are read: other names of the jobs, and marks.
local members_read = {}
local marks = {}
while arguments_read < #ARGV do
  local job = { id = argument(), dead_since = argument(), score = argument(), record = argument(), flow = argument(),
    head = argument() }
  job.stored_score = job.score
  if job.flow ~= '' then
    -- A parent joins the line once it is released.
    if job.head == '' then job.stored_score = whole(IN_LINE + job.score) end
    push(keys, string.match(job.flow, '^[^:]+'))
  end
  push(list, job)
  push(ids, job.id)
  -- An occurrence that was made anew may be born. Other ids are not used twice under that name.
  if string.find(job.id, '@', 1, true) then push(members_read, BORN .. job.id) end
  if parent_of(job.id) then push(members_read, DIED .. job.id) end
end
load_keys(keys, now)

local reply = {}
local retrying = {}
local retrying_ids = {}
local members = {}

local function choose()
  local is_live = {}
  for i, score in ipairs(read_many('ZMSCORE', due, members_read)) do is_live[members_read[i]] = score end
  local dead_since = read_many('ZMSCORE', dead, ids)
  local seen = {}
  for i, job in ipairs(list) do
    local is_dead = dead_since[i] and tonumber(dead_since[i]) == tonumber(job.dead_since) and not seen[job.id]
    -- Retried by an earlier send, it may be dead again in the same millisecond.
    if is_dead and resend then is_dead = not is_own(call('HGET', dead_jobs, job.id), job.record) end
    reply[i] = (is_dead or (resend and was_stored(job.id, job.record))) and 1 or 0
    if is_dead and is_live[BORN .. job.id] then
      reply[i] = 0
    elseif is_dead then
      seen[job.id] = true
      job.number = i
      push(retrying, job)
      push(retrying_ids, job.id)
      push(members, job.stored_score, job.id)
      -- A child counts again as one that has not ended.
      local mark = is_live[DIED .. job.id]
      if mark then
        push(members, whole(tonumber(mark) - DIED_ABOVE), CHILD .. job.id)
        push(marks, DIED .. job.id)
      end
    end
  end
end

-- Adds the jobs to `due`. Returns the records and the scores of those that were there already.
local function add_members()
  local is_new = true
  for first = 1, #members, PIECE do
    local last = math.min(first + PIECE - 1, #members)
    if call('ZADD', due, 'NX', unpack(members, first, last)) * 2 < last - first + 1 then is_new = false end
  end
  if is_new then return {}, {} end
  return read_many('HMGET', jobs, retrying_ids), read_many('ZMSCORE', due, retrying_ids)
end

choose()
local known_records, known_scores = add_members()
local records = {}
local retried = {}
local leaving = {}
local joined = {}
for i, job in ipairs(retrying) do
  -- A job that is already there keeps its lease and its record: a new job with the same id, or the one that an earlier
  -- send had added before a command failed.
  local is_new = not known_records[i] and (not known_scores[i] or tonumber(known_scores[i]) == tonumber(job.stored_score))
  local head = ''
  if is_new and job.flow ~= '' then
    local flow_key, order
    flow_key, order, head = join(job.flow, false, now)
    if job.head == '' then insert(flow_key, order, tonumber(job.score), job.id) end
    push(joined, job.id)
  end
  if is_new then push(records, job.id, job.head .. head .. job.record) end
  if is_new or is_own(known_records[i], job.record) then
    push(retried, job.id)
    push(leaving, job.id, group_entry(job.dead_since, job.id))
  else
    reply[job.number] = 0
  end
end
call_many('HSET', jobs, records)
-- A job that is not in the line of its key must look like one that has not been retried yet.
commit_keys(now, {}, {}, function() call_many('HDEL', jobs, joined) end)
call_many('HDEL', dead_jobs, retried)
call_many('ZREM', due, marks)
call_many('ZREM', dead, leaving)
if #retried > 0 then add(RETRIED_DEAD, #retried) end
return reply
