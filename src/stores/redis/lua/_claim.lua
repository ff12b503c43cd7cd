-- Claims what is due: moves it in `due` to the end of its lease.

-- include: _runs.lua

-- Leases again what earlier sends took, for one millisecond longer, so that no two responses hold the same lease. A
-- third send may find leases of the second, 1024 higher in the index. Those of jobs that a claim has made are 1 higher.
local function claim_again()
  local first = UPPER + (now + lease_ms) * 1024 + nonce
  local range = call('ZRANGE', due, whole(first), whole(first + 1025), 'BYSCORE', 'WITHSCORES')
  local found = {}
  local was_made = {}
  for i = 1, #range, 2 do
    local above = (tonumber(range[i + 1]) - first) % 1024
    local id = string.sub(range[i], #LEASE + 1)
    if above <= 1 then push(found, id) end
    was_made[id] = above == 1
  end
  local scores = read_many('ZMSCORE', due, found)
  local records = read_many('HMGET', jobs, found)
  load_keys_of(records, now)
  for i, id in ipairs(found) do
    local record = records[i]
    if scores[i] and record then
      -- A duplicated request claimed more than one response can hold.
      if not take_room(record) or jobs_claimed == limit then break end
      local ends, claims = unpack_score(tonumber(scores[i]))
      local lease_score = whole(pack(ends + 1, claims, 1))
      lease(was_made[id] and MADE .. id or id, whole(pack(now, claims, 1)), record, lease_score, id,
        index_score_of(ends + 1, was_made[id]))
      push(claimed_again, lease_score)
      local key = flow_of(record)
      if key then move_in_run(lanes_by_key[key], ends) end
    end
  end
end

-- The records of jobs. Those that this exchange has written need not be read.
local function records_of(list)
  local unknown = {}
  for i = 1, #list do
    if not written[list[i].id] then push(unknown, list[i].id) end
  end
  local records = read_many('HMGET', jobs, unknown)
  if #unknown == #list then return records end
  local all = {}
  local read = 0
  for i, job in ipairs(list) do
    if not written[job.id] then read = read + 1 end
    all[i] = written[job.id] or records[read]
  end
  return all
end

-- What the claim may lease, in the order of `due` and with scores: jobs, and keys, which `open_lines` replaces by jobs.
local candidates = {}
local keys = {}
local schedule_keys = {}
local schedule_scores = {}
-- The earliest of what the reply has no room for.
local first_left = UPPER

local function add_candidate(member, score)
  if string.byte(member) ~= 32 then
    candidates[#candidates + 1] = { id = member, score = score }
  elseif is_schedule(member) then
    push(schedule_keys, string.sub(member, #SCHEDULE + 1))
    push(schedule_scores, score)
  else
    local key = string.sub(member, #LANE + 1)
    push(keys, key)
    push(candidates, { key = key, score = score })
  end
end

-- Adds what is due while there is room. Returns the rest of the room, where it stopped, and whether more is due.
local function add_due(range, from, room)
  local not_due = after(now)
  for i = from, #range, 2 do
    if tonumber(range[i + 1]) >= not_due then return room, i, false end
    if room == 0 then return room, i, true end
    room = room - 1
    add_candidate(range[i], range[i + 1])
  end
  return room, #range + 1, false
end

local function is_ahead_of_clock(member, score)
  return is_lane(member) and is_skewed(score, now) or is_schedule(member) and is_schedule_skewed(score)
end

-- Adds what is further ahead than any clock like this one can have put it: it is due now. Returns the rest of the
-- room, and the schedules among them.
local function add_skewed(range, from, room)
  local skewed = {}
  local skewed_schedules = {}
  for i = from, #range, 2 do
    local member = range[i]
    if (room > 0 or is_lane(member)) and is_ahead_of_clock(member, tonumber(range[i + 1])) then
      if is_lane(member) then push(skewed, string.sub(member, #LANE + 1)) else skewed_schedules[member] = true end
      if room > 0 then add_candidate(member, range[i + 1]) end
      room = math.max(room - 1, 0)
    end
  end
  load_keys(skewed, now)
  for _, key in ipairs(skewed) do touch(lanes_by_key[key]) end
  return room, skewed_schedules
end

-- Replaces each key by the jobs that it may start now.
local function open_lines(room)
  if #keys == 0 then return end
  load_keys(keys, now)
  share_out(keys, room)
  local found = {}
  for _, each in ipairs(candidates) do
    local lane = lanes_by_key[each.key]
    if lane then
      -- The stored mark may differ from the state of its key if a script stopped half-way. It moves all the same.
      lane.mark = tonumber(each.score)
      local missing_entries = lane.share - lane.count
      if missing_entries > 0 and lane.behind > 0 then refill(lane, missing_entries + INLINE) end
      local at = lane.at
      for _ = 1, math.min(lane.share, lane.count) do
        local item
        item, at = read_entry(lane.text, at)
        if item[2] >= after(now) then break end
        push(found, { id = item[3], score = whole(item[2]), lane = lane, place = item[1] })
      end
    else
      push(found, each)
    end
  end
  candidates = found
end

-- Whether a job in line was enqueued before one whose lease ran out.
local function is_ahead(lane, order)
  return has(lane, ORDERED) and lane.count > 0 and head_of(lane) < order
end

-- Takes a job out of the line that was the first when the line was read. What was given back since may stand before it.
local function leave_line(job)
  if job.lane.has_returned then return remove(job.lane, job.place, tonumber(job.score), job.id) end
  pop(job.lane)
end

local ends = now + lease_ms
local index_score = index_score_of(ends)
-- The scores of leases by how often their jobs were claimed. Writing a score takes long, and most are equal.
local lease_scores = {}

local function take(job, record, lane)
  local id = job.id
  local claims = math.floor(job.score % 1024 / 2)
  lease_scores[claims] = lease_scores[claims] or whole(pack(ends, claims % 511 + 1, 1))
  lease(id, job.score, record, lease_scores[claims], id, index_score)
  if lane then add_to_run(lane, ends, begin(lane, now, ends)) end
end

local function drop_evicted(job)
  evicted = evicted + 1
  push(leaving_due, job.id, LEASE .. job.id)
end

-- A lane leads once this claim has leased a job of its line: others may wait behind it. A lane that is stuck gives
-- no more, so that its jobs start in order.
local function take_from_line(job, record)
  local lane = job.lane
  local may_begin = free(lane, now) > 0 or (lane.leads and startable(lane, now) > 0)
  lane.is_stuck = lane.is_stuck or not may_begin or (record and not take_room(record))
  if lane.is_stuck then return end
  leave_line(job)
  if not record then return drop_evicted(job) end
  take(job, record, lane)
  lane.leads = true
end

-- The lease of a job with a key ran out. It goes back in line if it had no slot, or if its key has none free.
local function take_lapsed(job, record, lane, order)
  local ended, claims = unpack_score(tonumber(job.score))
  if lane.waiting[ended] or free(lane, now, lane.running - 1) == 0 or is_ahead(lane, order) then
    local score = pack(ended, claims, 0)
    finish(lane, ended)
    insert(lane, order, score, job.id)
    lane.has_returned = true
    push(back_in_line, whole(IN_LINE + score), job.id, whole(UPPER), LEASE .. job.id)
  elseif take_room(record) then
    finish(lane, ended)
    take(job, record, lane)
  else
    first_left = math.min(first_left, tonumber(job.score))
  end
end

local function take_all()
  local records = records_of(candidates)
  load_keys_of(records, now)
  for i, job in ipairs(candidates) do
    local record = records[i]
    if job.lane then
      take_from_line(job, record)
    elseif not record then
      drop_evicted(job)
    else
      local key, order = flow_of(record)
      if key then take_lapsed(job, record, lanes_by_key[key], order)
      elseif take_room(record) then take(job, record)
      else first_left = math.min(first_left, tonumber(job.score)) end
    end
  end
end

-- The earliest member of `due` that the claim leaves there and whose mark it does not move, and its score. `moved`: how
-- many marks it moves, which may stand before that member.
local function next_left(range, from, is_whole, marked, moved)
  for i = from, #range, 2 do
    if tonumber(range[i + 1]) >= UPPER then return nil end
    if not marked[range[i]] then return range[i], tonumber(range[i + 1]) end
  end
  if is_whole or from > #range or moved == 0 then return nil end
  local first = #range / 2
  local more = call('ZRANGE', due, first, first + moved, 'WITHSCORES')
  return next_left(more, 1, true, marked, 0)
end

local function claim(wanted)
  local range = call('ZRANGE', due, 0, wanted + 1, 'WITHSCORES')
  paused = range[1] == PAUSED and 1 or 0
  local from = skip_marks(range, paused_jobs)
  if from > 3 then
    -- Job types are paused: their marks are read besides what is wanted.
    range = call('ZRANGE', due, 0, wanted + MOST_PAUSED + 2, 'WITHSCORES')
    paused_jobs = {}
    from = skip_marks(range, paused_jobs)
  end
  local is_whole = #range < 2 * (wanted + 2)
  if paused == 1 then wanted = 0 end
  local room, left_at, is_more = add_due(range, from, wanted)
  if is_more and count_backlog and paused == 0 then
    backlog = call('ZCOUNT', due, 0, '(' .. whole(after(now))) - (wanted - room)
  end
  local marked_schedules = {}
  if wanted > 0 then room, marked_schedules = add_skewed(range, left_at, room) end
  open_lines(room)
  take_all()
  local next_occurrence, moved_on = fire_planned(schedule_keys, schedule_scores, ends)
  local moved = #unmarked
  local earliest, marked = put_marks(claim_members, leaving_due)
  push_all(claim_members, moved_on)
  for member in pairs(marked_schedules) do marked[member] = true end
  local member, score = next_left(range, left_at, is_whole, marked, moved)
  local coming = math.min(score or UPPER, earliest, first_left, next_occurrence)
  -- What a clock that was ahead has put off is claimed at once.
  if member and wanted > 0 and coming == score and is_ahead_of_clock(member, score) then coming = now * 1024 end
  if coming < UPPER then next_score = whole(coming) end
end

function decide_claim()
  if resend and limit > 0 then claim_again() end
  if limit >= 0 then claim(limit - jobs_claimed) end
  describe_runs()
end
