-- Settles outcomes. An outcome counts only if the lease that it names is still the one stored.

-- The attempts of jobs with keys, by the positions of their outcomes. `prefix` is what their records begin with.
local attempts = {}
for _, attempt in ipairs(keyed) do attempts[attempt.outcome] = attempt end
local has_outcome = {}

-- What the accepted outcomes write. Each list is the values of one command.
local completed_records = {} -- HSETEX of `jobs`
local completed_order = {} -- ZADD of `done:order`
local dead_records = {} -- HSET of `dead:jobs`
local dead_members = {} -- ZADD of `dead`
local waiting_records = {} -- HSET of `jobs`
local waiting_again = 0
local waiting_members = {} -- ZADD of `due`
local ended_members = {} -- ZREM of `due`
local ended_ids = {} -- HDEL of `jobs`, last of all
local new_families = {} -- HSET of `families`
local parents_back = {} -- those that drains have handed back, with what they counted when they were released

-- A score is text, and not everybody writes a number the same way.
local function is_same(stored, score)
  return stored == score or (stored and tonumber(stored) == tonumber(score))
end

-- Reads the leases that are stored: those of the outcomes, then those of the jobs that these make. The same command
-- finds which of the watched jobs are gone.
local function read_leases()
  local members = {}
  push_all(members, ids)
  for _, job in ipairs(follow_ups) do push(members, job.id) end
  local unwatched = #members
  push_all(members, watched)
  local stored = read_many('ZMSCORE', due, members, 2 * PIECE)
  for n, name in ipairs(watched) do
    if not stored[unwatched + n] then push(gone, name) end
  end
  return stored
end

-- Frees the slot of a job with a key: an attempt has run for some ms, or none was made since the claim.
local function leave_key(i, attempt)
  local lane = lanes_by_key[flow_of(attempt.prefix)]
  finish(lane, (unpack_score(tonumber(held_leases[i]))))
  if attempt.claimed_at then take_back_start(lane, attempt.claimed_at) end
  if attempt.ran_ms then note_pace(lane, attempt.ran_ms) end
end

-- Accepts an outcome whose lease holds. If two outcomes of one request have the same id, at most one is accepted.
local function accept(i, stored)
  local id = ids[i]
  settled[i] = 0
  if has_outcome[id] or not is_same(stored, held_leases[i]) then return false end
  has_outcome[id] = true
  accepted[i] = true
  settled_now = settled_now + 1
  settled[i] = 1
  if attempts[i] then leave_key(i, attempts[i]) end
  return true
end

-- The record of an outcome as it is stored: after what is known of its job's key.
local function stored_record(i)
  return attempts[i] and attempts[i].prefix .. records[i] or records[i]
end

-- A plain backlog comes through the next two: they write at positions that they count, as `lease` does.
local completed = 0
local ended = 0

local function leave_due(id, fate, is_kept)
  note_child(id, fate)
  if not is_kept then push(ended_ids, id) end
  ended_members[ended + 1], ended_members[ended + 2] = id, LEASE .. id
  ended = ended + 2
end

local function complete(i, id)
  completed_records[completed + 1], completed_records[completed + 2] = id, attempts[i] and stored_record(i) or records[i]
  completed_order[completed + 1], completed_order[completed + 2] = scores[i], id
  completed = completed + 2
  leave_due(id, 'completed', retention_ms > 0)
end

-- The job is in the line of its key, if it has one.
local function line_up_again(score, id, record)
  local key, order = flow_of(record)
  if key then
    insert(lanes_by_key[key], order, tonumber(score), id)
    score = whole(IN_LINE + score)
  end
  push(waiting_members, score, id, whole(UPPER), LEASE .. id)
end

local function wait_again(i, id)
  begin_wait(i, waiting_members)
  local score = scores[i]
  local record = stored_record(i)
  local counts = released_counts(record, tonumber(score), now)
  if counts then push(parents_back, { id = id, score = score, record = record, counts = counts })
  else line_up_again(score, id, record) end
  push(waiting_records, id, record)
  waiting_again = waiting_again + 1
  written[id] = record
end

-- While a drain had them, dead children may have been retried. Parents wait for those that have not ended.
local function wait_for_retried()
  if #parents_back == 0 then return end
  local has_ended = {}
  for _, id in ipairs(ended_members) do has_ended[id] = true end
  for _, parent in ipairs(parents_back) do
    local counts = parent.counts
    local children = {}
    for n = 1, counts[2] + counts[3] + counts[4] do children[n] = string.format('%s/%06d', parent.id, n - 1) end
    for n, live in ipairs(read_many('ZMSCORE', due, children)) do
      if live and not has_ended[children[n]] then counts[1] = counts[1] + 1 end
    end
    if counts[1] == 0 then line_up_again(parent.score, parent.id, parent.record)
    else
      counts[3] = counts[3] - counts[1]
      push(new_families, parent.id, table.concat(counts, ':'))
      push(waiting_members, whole(FOR_CHILDREN + parent.score % 1024), parent.id, whole(UPPER), LEASE .. parent.id)
    end
  end
end

local function dead_letter(i, id)
  local at, group = string.match(scores[i], '^(%S+) (%S+)$')
  push(dead_members, at or scores[i], id)
  if group then push(dead_members, group, group_entry(at, id)) end
  push(dead_records, id, stored_record(i))
  leave_due(id, 'dead')
end

-- The job type was paused. Whoever resumes it moves the jobs that wait by then: one that is handed back later is due.
-- `scores[i]` is its score while the type is paused, its score otherwise, and how the mark of the type begins.
local marks
local function hold(i, id)
  local held_score, due_score, beginning = string.match(scores[i], '^(%S+) (%S+) (.*)$')
  marks = marks or call('ZRANGE', due, 0, MOST_PAUSED + 1)
  scores[i] = due_score
  for _, mark in ipairs(marks) do
    if string.sub(mark, 1, #beginning) == beginning then scores[i] = held_score end
  end
  wait_again(i, id)
end

local settle_as = { completed = complete, held = hold, retried = wait_again, returned = wait_again, dead = dead_letter }
-- The job was not started in time. Nothing is stored of it.
function settle_as.expired(_, id) leave_due(id, 'dropped') end

-- Accepts outcomes that an earlier send has settled: their leases are gone, and the records that they would write are
-- there, if they leave any. All are read at once, since each command is billed.
local function accept_resent(stored)
  local unsure = { [jobs] = {}, [dead_jobs] = {} }
  local unsure_ids = { [jobs] = {}, [dead_jobs] = {} }
  for i, kind in ipairs(outcomes.kind) do
    local hash = kind == 'dead' and dead_jobs or jobs
    local leaves_none = kind == 'expired' or (kind == 'completed' and retention_ms == 0)
    if not accepted[i] and leaves_none then
      settled[i] = stored[i] and 0 or 1
    elseif not accepted[i] then
      push(unsure[hash], i)
      push(unsure_ids[hash], ids[i])
    end
  end
  for hash, places in pairs(unsure) do
    for n, record in ipairs(read_many('HMGET', hash, unsure_ids[hash])) do
      local own = stored_record(places[n])
      -- A signal adds to the record of a job that waits.
      local signalled = string.sub(own, 1, -2) .. ',"signal":'
      if record == own then
        settled[places[n]] = 1
      elseif record and string.sub(record, 1, #signalled) == signalled then
        settled[places[n]] = 2
      end
    end
  end
end

-- Makes the jobs of accepted outcomes, the first of each id.
local function follow_up(stored)
  if #follow_ups == 0 then return end
  local members = {}
  for n, job in ipairs(follow_ups) do
    if accepted[job.outcome] and not stored[#ids + n] and not written[job.id] then
      local score, record = line_up(job, now)
      if job.family ~= '' then push(new_families, job.id, job.family) end
      push(members, score, job.id)
      push(waiting_records, job.id, record)
      written[job.id] = record
    end
  end
  -- A snoozed job comes after those that it makes.
  push_all(members, waiting_members)
  waiting_members = members
end

-- Keeps completed jobs: their records replace those of live jobs, and expire.
local function keep_completed()
  if retention_ms == 0 or #completed_records == 0 then return end
  set_expiring(jobs, completed_records, retention_ms, now)
  call_many('ZADD', done_order, completed_order)
end

-- Keeps dead jobs. If one is dead already, since its id was used anew, its earlier entry leaves its group.
local function keep_dead()
  if call_many('HSET', dead_jobs, dead_records) * 2 < #dead_records then
    local again = {}
    local earlier = {}
    for i = 1, #dead_records, 2 do push(again, dead_records[i]) end
    for i, at in ipairs(read_many('ZMSCORE', dead, again)) do
      if at then push(earlier, group_entry(at, again[i])) end
    end
    call_many('ZREM', dead, earlier)
  end
  call_many('ZADD', dead, dead_members)
end

-- Loads the keys of jobs whose leases hold, and of the jobs that outcomes make.
local function load_their_keys(stored)
  local keys = push_keys({}, follow_ups)
  for _, attempt in ipairs(keyed) do
    local i = attempt.outcome
    if is_same(stored[i], held_leases[i]) then push(keys, (flow_of(attempt.prefix))) end
  end
  load_keys(keys, now)
end

local function decide(stored)
  for i, kind in ipairs(outcomes.kind) do
    if accept(i, stored[i]) then settle_as[kind](i, ids[i]) end
  end
  wait_for_retried()
  if resend then accept_resent(stored) end
  follow_up(stored)
end

local function write()
  keep_completed()
  count_children(now)
  put_marks(waiting_members, ended_members)
  keep_dead()
  -- New parents have their counts before their children can end.
  call_many('HSET', families, new_families)
  store_new(waiting_records, waiting_again, MANY)
  store_lines(now)
  call_many('ZADD', due, waiting_members, MANY)
  end_waits(ended_members)
  call_many('ZREM', due, ended_members)
  store_families()
end

function settle()
  local stored = read_leases()
  load_their_keys(stored)
  decide(stored)
  write()
end

-- Deletes the records of ended jobs, unless this exchange stored a new job under the same id, and the signals,
-- families and expired fields that are kept no longer.
function remove_ended()
  local leaving = {}
  for _, id in ipairs(ended_ids) do
    if not written[id] then push(leaving, id) end
  end
  call_many('HDEL', jobs, leaving)
  take_signals()
  remove_families()
  if #completed_records > 0 then remove_expired(now) end
end
