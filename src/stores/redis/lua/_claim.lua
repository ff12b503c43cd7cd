-- Claims what is due: moves it in `due` to the end of its lease.

-- Finds the leases of earlier sends whose replies were lost. Returns the ids of their jobs, and which of these the
-- claim has made. Of three sends, the second may have made its leases one millisecond longer: a score is
-- 1024 more then, and 1 more if the claim has made the job.
local function find_own_leases()
  local index = UPPER + (now + lease_ms) * 1024 + nonce
  local range = call('ZRANGE', due, whole(index), whole(index + 1025), 'BYSCORE', 'WITHSCORES')
  local found = {}
  local was_made = {}
  for i = 1, #range, 2 do
    local above = (tonumber(range[i + 1]) - index) % 1024
    local id = string.sub(range[i], #LEASE + 1)
    if above <= 1 then push(found, id) end
    was_made[id] = above == 1
  end
  return found, was_made
end

-- include: _runs.lua

-- Leases again what earlier sends took, for one millisecond longer, so that no two responses hold the same lease.
function recover()
  local found, was_made = find_own_leases()
  local scores = read_many('ZMSCORE', due, found)
  local records = read_many('HMGET', jobs, found)
  local their_keys = {}
  for i = 1, #found do push(their_keys, (flow_of(records[i]))) end
  load_keys(their_keys, now)
  for i, id in ipairs(found) do
    local record = records[i]
    if scores[i] and record then
      -- A duplicated request claimed more than one response can hold.
      if not take_room(record) or jobs_taken == limit then break end
      local ends, claims = unpack_score(tonumber(scores[i]))
      local leased = whole(pack(ends + 1, claims, 1))
      lease(was_made[id] and MADE .. id or id, whole(pack(now, claims, 1)), record, leased, id,
        index_score(ends + 1, was_made[id]), LEASE .. id)
      push(recovered_leases, leased)
      local key = flow_of(record)
      if key then move_in_run(lanes_by_key[key], ends) end
    end
  end
  return jobs_taken
end

local function records_of(ids)
  if not next(known) then return read_many('HMGET', jobs, ids) end
  local unknown = {}
  local records = {}
  for _, id in ipairs(ids) do
    if not known[id] then push(unknown, id) end
  end
  local read = read_many('HMGET', jobs, unknown)
  local n = 0
  for i, id in ipairs(ids) do
    if not known[id] then n = n + 1 end
    records[i] = known[id] or read[n]
  end
  return records
end

-- What the claim has met, in the order of `due`: jobs and keys, each with the score at which it is due. Later each key
-- is replaced by jobs of its line.
local met = 0
local met_ids = {}
local ready = {}
local key_at = {}
-- The key in whose line a job was, and its place there.
local line_at = {}
local place_at = {}
local keys = {}
local schedule_keys = {}
local schedule_scores = {}
-- The keys and orders of jobs that are met by themselves, since their leases ran out.
local lapsed_key = {}
local lapsed_order = {}
-- The earliest of what the reply has no room for.
local first_left = UPPER
-- For a ZADD of `due`: jobs that wait in line again, and the marks of keys.
local adding_due = {}

-- Replaces each key that was met by the jobs that it may start now.
local function with_lines(not_due)
  local all_ids = {}
  local all_ready = {}
  local found = 0
  local function add_found(id, score, lane, place)
    found = found + 1
    all_ids[found] = id
    all_ready[found] = score
    line_at[found] = lane
    place_at[found] = place
  end
  for i, id in ipairs(met_ids) do
    local lane = key_at[i] and lanes_by_key[key_at[i]]
    if lane then
      local missing_entries = lane.share - lane.count
      if missing_entries > 0 and lane.behind > 0 then refill(lane, missing_entries + INLINE) end
      local at = lane.at
      for _ = 1, math.min(lane.share, lane.count) do
        local item
        item, at = read_entry(lane.text, at)
        if item[2] >= not_due then break end
        add_found(item[3], whole(item[2]), lane, item[1])
      end
    else
      add_found(id, ready[i])
    end
  end
  met_ids = all_ids
  ready = all_ready
  met = found
end

-- Whether a job in line was enqueued before one whose lease ran out.
local function is_ahead(lane, order)
  return has(lane, ORDERED) and lane.count > 0 and head_of(lane) < order
end

-- Puts a job whose lease ran out back in line: it was a rider, or its key has no free slot any more.
local function give_back(lane, order, id, due_score)
  local time, claims = unpack_score(tonumber(due_score))
  local score = pack(time, claims, 0)
  finish(lane, time)
  insert(lane, order, score, id)
  lane.has_returned = true
  push(adding_due, whole(IN_LINE + score), id, whole(UPPER), LEASE .. id)
end

-- Takes a job out of the line that was the first when the line was read. What was given back since may stand before it.
local function leave_line(i, lane)
  if lane.has_returned then return remove(lane, place_at[i], tonumber(ready[i]), met_ids[i]) end
  pop(lane)
end

-- Notes a member that is not the id of a job.
local function meet(member, score)
  if is_schedule(member) then
    push(schedule_keys, string.sub(member, #SCHEDULE + 1))
    push(schedule_scores, score)
    return
  end
  met = met + 1
  met_ids[met] = member
  ready[met] = score
  if is_lane(member) then
    key_at[met] = string.sub(member, #LANE + 1)
    push(keys, key_at[met])
  end
end

-- Meets what is due, as much as there is room for. Returns the rest of the room, where it stopped, and whether more is
-- due.
local function meet_due(range, from, room)
  local not_due = after(now)
  for i = from, #range, 2 do
    local member = range[i]
    local score = tonumber(range[i + 1])
    if score >= not_due then return room, i, false end
    if room == 0 then return room, i, true end
    room = room - 1
    if string.byte(member) == 32 then
      meet(member, range[i + 1])
    else
      met = met + 1
      met_ids[met] = member
      ready[met] = range[i + 1]
    end
  end
  return room, #range + 1, false
end

-- Meets what is further ahead than any clock like this one can have put it: it is due now. Returns the rest of the
-- room, and the schedules that it has met.
local function meet_astray(range, from, room)
  local astray = {}
  local met_schedules = {}
  for i = from, #range, 2 do
    local member = range[i]
    local score = tonumber(range[i + 1])
    if is_lane(member) and is_astray(score, now) then
      push(astray, string.sub(member, #LANE + 1))
      if room > 0 then
        room = room - 1
        meet(member, range[i + 1])
      end
    elseif is_schedule(member) and room > 0 and is_schedule_astray(score) then
      room = room - 1
      meet(member, range[i + 1])
      met_schedules[member] = true
    end
  end
  load_keys(astray, now)
  for _, key in ipairs(astray) do touch(lanes_by_key[key]) end
  return room, met_schedules
end

local function open_lines(room)
  if #keys == 0 then return end
  load_keys(keys, now)
  share_out(keys, room)
  -- The stored mark may differ from the state of its key if a script stopped half-way. It moves all the same.
  for i, key in pairs(key_at) do lanes_by_key[key].mark = tonumber(ready[i]) end
  with_lines(after(now))
end

local function read_records()
  local records = records_of(met_ids)
  local lapsed = {}
  for i = 1, met do
    local record = records[i]
    if record and not line_at[i] then
      lapsed_key[i], lapsed_order[i] = flow_of(record)
      push(lapsed, lapsed_key[i])
    end
  end
  load_keys(lapsed, now)
  return records
end

local ends = now + lease_ms
local index = index_score(ends)
-- The scores of leases by how often their jobs were claimed. Writing a score takes long, and most are equal.
local lease_scores = {}

local function take(i, record, lane)
  local id = met_ids[i]
  local claims = math.floor(ready[i] % 1024 / 2)
  lease_scores[claims] = lease_scores[claims] or whole(pack(ends, claims % 511 + 1, 1))
  lease(id, ready[i], record, lease_scores[claims], id, index, LEASE .. id)
  if lane then add_to_run(lane, ends, begin(lane, now, ends)) end
end

local function drop(i)
  evicted = evicted + 1
  push(leaving_due, met_ids[i], LEASE .. met_ids[i])
end

local function leave(i)
  first_left = math.min(first_left, tonumber(ready[i]))
end

-- A lane leads once this claim has taken a job out of its line: others may ride behind it. A lane that is stuck gives
-- no more, so that its jobs start in order.
local function take_from_line(i, record, lane)
  local may_begin = free(lane, now) > 0 or (lane.leads and startable(lane, now) > 0)
  if lane.is_stuck or not may_begin then
    lane.is_stuck = true
  elseif not record then
    drop(i)
    leave_line(i, lane)
  elseif not take_room(record) then
    lane.is_stuck = true
  else
    leave_line(i, lane)
    take(i, record, lane)
    lane.leads = true
  end
end

local function take_lapsed(i, record)
  local lane = lanes_by_key[lapsed_key[i]]
  local ended = (unpack_score(tonumber(ready[i])))
  if lane.riders[ended] or free(lane, now, lane.running - 1) == 0 or is_ahead(lane, lapsed_order[i]) then
    give_back(lane, lapsed_order[i], met_ids[i], ready[i])
  elseif not take_room(record) then
    leave(i)
  else
    finish(lane, ended)
    take(i, record, lane)
  end
end

local function take_all(records)
  for i = 1, met do
    local record = records[i]
    if line_at[i] then
      take_from_line(i, record, line_at[i])
    elseif not record then
      drop(i)
    elseif lapsed_key[i] then
      take_lapsed(i, record)
    elseif take_room(record) then
      take(i, record)
    else
      leave(i)
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

local function is_ahead_of_clock(member, score)
  return is_lane(member) and is_astray(score, now) or is_schedule(member) and is_schedule_astray(score)
end

function claim(wanted)
  local range = call('ZRANGE', due, 0, wanted + 1, 'WITHSCORES')
  local is_whole = #range < 2 * (wanted + 2)
  local from = 1
  if range[1] == PAUSED then
    paused = 1
    wanted = 0
    from = 3
  end
  local room, left_at, is_more = meet_due(range, from, wanted)
  if is_more and count_backlog and paused == 0 then
    backlog = call('ZCOUNT', due, 0, '(' .. whole(after(now))) - (wanted - room)
  end
  local marked_schedules = {}
  if wanted > 0 then room, marked_schedules = meet_astray(range, left_at, room) end
  open_lines(room)
  take_all(read_records())
  local next_occurrence, moved_on = fire_planned(schedule_keys, schedule_scores, ends)
  local moved = #unmarked
  local earliest, marked = put_marks(adding_due, leaving_due)
  push_all(leases, adding_due)
  push_all(leases, moved_on)
  for member in pairs(marked_schedules) do marked[member] = true end
  local member, score = next_left(range, left_at, is_whole, marked, moved)
  local coming = math.min(score or UPPER, earliest, first_left, next_occurrence)
  -- What a clock that was ahead has put off is met at once.
  if member and wanted > 0 and coming == score and is_ahead_of_clock(member, score) then coming = now * 1024 end
  if coming < UPPER then next_score = whole(coming) end
end
