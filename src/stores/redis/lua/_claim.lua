-- Claims what is due: re-scores it to the end of its lease.

-- Whether a claim has made the job: one that was born leased otherwise has an id that was made for it.
local function is_occurrence(name)
  return string.find(name, '@%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$') ~= nil
end

-- What earlier sends took while their answers were lost: leased anew, one millisecond longer, so that no two hold one
-- lease. Of three sends, the second may have lengthened it already.
function recover()
  local index = UPPER + (now + lease_ms) * 1024 + nonce
  local range = call('ZRANGE', due, whole(index), whole(index + 1024), 'BYSCORE', 'WITHSCORES')
  local ids, born_records = {}, {}
  for i = 1, #range, 2 do
    local name, record = indexed(range[i])
    if (tonumber(range[i + 1]) - index) % 1024 == 0 and (not record or is_occurrence(name)) then
      push(ids, name)
      born_records[name] = record
    end
  end
  local scores, records = read_many('ZMSCORE', due, ids), read_many('HMGET', jobs, ids)
  for i, id in ipairs(ids) do
    local record = born_records[id] or records[i]
    if scores[i] and record then
      bytes_left = bytes_left - #record
      -- More than one answer holds was taken by a request that the network has doubled.
      if jobs_taken == limit or (bytes_left < 0 and jobs_taken > 0) then break end
      local ends, claims = unpack_score(tonumber(scores[i]))
      lease(id_of(id), whole(pack(now, claims, 1)), record, whole(pack(ends + 1, claims, 1)), index_score(ends + 1))
      if born_records[id] then
        -- It goes on under its id.
        reply[taken_from + jobs_taken * 4 - 3] = FIRED .. id_of(id)
        push(adopted, id_of(id), record)
        written[id_of(id)] = record
        push(orphans, id, born_index(id_of(id), record))
      end
    end
  end
  return jobs_taken
end

local function records_of(ids)
  if not next(written) then return read_many('HMGET', jobs, ids) end
  local unknown, records = {}, {}
  for _, id in ipairs(ids) do
    if not written[id] then push(unknown, id) end
  end
  local read, at = read_many('HMGET', jobs, unknown), 0
  for i, id in ipairs(ids) do
    if not written[id] then at = at + 1 end
    records[i] = written[id] or read[at]
  end
  return records
end

-- Of the keys that a claim has met each gets one place, and what is left of the batch goes round among them.
local function share_out(keys, room)
  local hungry = {}
  for _, key in ipairs(keys) do
    local lane = lane_of[key]
    touch(lane)
    lane.most = math.min(free(lane, now), lane.count + lane.behind)
    lane.share = math.min(lane.most, 1)
    if lane.most == 0 then room = room + 1 end
    if lane.most > 1 then push(hungry, lane) end
  end
  while room > 0 and #hungry > 0 do
    local again, each = {}, math.max(math.floor(room / #hungry), 1)
    for _, lane in ipairs(hungry) do
      local more = math.min(each, lane.most - lane.share, room)
      lane.share, room = lane.share + more, room - more
      if lane.share < lane.most then push(again, lane) end
    end
    hungry = again
  end
end

-- Puts the jobs that each key may start now in the place where the claim has met the key.
local function with_lines(ids, ready, key_at, not_due)
  local all_ids, all_ready, lane_at, found = {}, {}, {}, 0
  local function add(id, score, lane)
    found = found + 1
    all_ids[found], all_ready[found], lane_at[found] = id, score, lane
  end
  for i, id in ipairs(ids) do
    local lane = key_at[i] and lane_of[key_at[i]]
    if lane then
      if lane.share > lane.count and lane.behind > 0 then refill(lane, lane.share - lane.count + INLINE) end
      local item, at = nil, lane.at
      for _ = 1, math.min(lane.share, lane.count) do
        item, at = read_entry(lane.text, at)
        if item[2] >= not_due then break end
        add(item[3], whole(item[2]), lane)
      end
    else add(id, ready[i]) end
  end
  return all_ids, all_ready, lane_at
end

-- Whether a job stands in line that was enqueued before one whose lease ran out.
local function is_ahead(lane, order)
  return has(lane, ORDERED) and lane.count > 0 and tonumber(string.sub(lane.text, lane.at, lane.at + 15)) < order
end

-- A job of a key that is met by itself has a lease that ran out. If its key has no place for it any more, it waits
-- again.
local function give_back(lane, order, id, ready, parked)
  local time, claims = unpack_score(tonumber(ready))
  local score = pack(time, claims, 0)
  finish(lane)
  insert(lane, order, score, id)
  push(parked, whole(IN_LINE + score), id, whole(UPPER), LEASE .. id)
end

local function is_lane(member)
  return string.byte(member) == 32 and string.sub(member, 1, #LANE) == LANE
end

-- What a claim meets, in the order of `due`: jobs and keys, each with the score at which it is due. Then, in the place
-- of a key, its jobs.
local met, ids, ready, key_at, lane_at = 0, {}, {}, {}, {}
local keys, schedule_keys, schedule_scores = {}, {}, {}
-- Jobs that were born leased, whose leases ran out; their records; and those that stand under both names, since a
-- command has failed before.
local born, born_ids, born_scores, born_records, is_double = {}, {}, {}, {}, {}
-- Jobs with keys that are met by themselves, since their leases ran out.
local expired_key, expired_order = {}, {}
-- The earliest of what a claim leaves because it may not meet keys, and of what the reply has no room for.
local left_out, first_left, is_full = UPPER, UPPER, false
-- For a ZADD of `due`: jobs that wait in line again.
local parked = {}

local function meet(member, score)
  if is_schedule(member) then
    push(schedule_keys, string.sub(member, #SCHEDULE + 1))
    push(schedule_scores, score)
    return
  end
  met = met + 1
  ids[met], ready[met] = member, score
  if is_lane(member) then
    key_at[met] = string.sub(member, #LANE + 1)
    push(keys, key_at[met])
  elseif is_born(member) then
    push(born, member)
    push(born_ids, id_of(member))
    push(born_scores, score)
  end
end

-- Meets what is due, as much as there is room for. Returns the room that is left, where it stopped, and whether more is
-- due.
local function meet_due(range, from, room)
  local not_due, may_claim = after(now), room > 0
  for i = from, #range, 2 do
    local member, score = range[i], tonumber(range[i + 1])
    if score >= not_due then return room, i, false end
    if not may_meet_keys and may_claim and is_lane(member) then left_out = math.min(left_out, score)
    elseif room == 0 then return room, i, true
    else
      room = room - 1
      if string.byte(member) == 32 then meet(member, range[i + 1])
      else
        met = met + 1
        ids[met], ready[met] = member, range[i + 1]
      end
    end
  end
  return room, #range + 1, false
end

-- Meets what is further ahead than this clock can have put it: by this one it is due. Returns the room that is left,
-- and those met.
local function meet_astray(range, from, room)
  local astray, handed_out = {}, {}
  for i = from, #range, 2 do
    local member, score = range[i], tonumber(range[i + 1])
    if is_lane(member) and is_astray(score, now) then
      if may_meet_keys then push(astray, string.sub(member, #LANE + 1)) else left_out = math.min(left_out, now * 1024) end
      if may_meet_keys and room > 0 then
        room = room - 1
        meet(member, range[i + 1])
      end
    elseif is_schedule(member) and room > 0 and is_schedule_astray(score) then
      room = room - 1
      meet(member, range[i + 1])
      handed_out[member] = true
    end
  end
  load_lanes(astray, now)
  for _, key in ipairs(astray) do touch(lane_of[key]) end
  return room, handed_out
end

-- Puts jobs of the keys that were met in their places.
local function open_lines(room)
  if #keys == 0 then return end
  load_lanes(keys, now)
  share_out(keys, room)
  -- The mark that was met moves also where it had stayed behind when a command failed.
  for i, key in pairs(key_at) do lane_of[key].mark = tonumber(ready[i]) end
  ids, ready, lane_at = with_lines(ids, ready, key_at, after(now))
  met = #ids
end

local function read_records()
  born_records = read_born(born, born_scores)
  for i, score in ipairs(read_many('ZMSCORE', due, born_ids)) do is_double[born[i]] = score end
  for name, record in pairs(born_records) do written[name] = record end
  local records, expired = records_of(ids), {}
  for i = 1, met do
    local record = records[i]
    if record and string.byte(record, 1) == 50 and not lane_at[i] then
      expired_key[i], expired_order[i] = flow_of(record)
      if may_meet_keys then push(expired, expired_key[i]) end
    end
  end
  load_lanes(expired, now)
  return records
end

local function fits(record)
  bytes_left = bytes_left - #record
  is_full = is_full or (bytes_left < 0 and jobs_taken > 0)
  return not is_full
end

local ends, index = now + lease_ms, index_score(now + lease_ms)
-- The scores of leases, by how often their jobs were claimed: most of them equally often, and writing a score takes
-- long.
local lease_scores = {}

local function take(i, record)
  local id, claims = ids[i], math.floor(ready[i] % 1024 / 2)
  lease_scores[claims] = lease_scores[claims] or whole(pack(ends, claims + 1, 1))
  -- Born leased, it goes on under its id.
  if born_records[id] then
    id = id_of(ids[i])
    push(adopted, id, record)
    written[id] = record
    push(orphans, ids[i], born_index(id, record))
  end
  lease(id, ready[i], record, lease_scores[claims], index)
end

local function take_from_line(i, record, lane)
  if lane.is_stuck or free(lane, now) == 0 then
    lane.is_stuck = true
  elseif not record then
    evicted = evicted + 1
    push(orphans, ids[i], LEASE .. ids[i])
    pop(lane)
  elseif not fits(record) then
    lane.is_stuck = true
  else
    pop(lane)
    push(unclaimed, whole(IN_LINE + ready[i]), ids[i], whole(UPPER), LEASE .. ids[i])
    begin(lane, now)
    take(i, record)
  end
end

local function take_expired(i, record, lane)
  if not may_meet_keys then
    left_out = math.min(left_out, tonumber(ready[i]))
  elseif free(lane, now, lane.running - 1) == 0 or is_ahead(lane, expired_order[i]) then
    give_back(lane, expired_order[i], ids[i], ready[i], parked)
  elseif not fits(record) then
    first_left = math.min(first_left, tonumber(ready[i]))
  else
    finish(lane)
    begin(lane, now)
    take(i, record)
  end
end

local function take_all(records)
  for i = 1, met do
    local record = records[i]
    if lane_at[i] then
      take_from_line(i, record, lane_at[i])
    elseif not record then
      evicted = evicted + 1
      push(orphans, ids[i], LEASE .. ids[i])
    elseif is_double[ids[i]] then
      push(orphans, ids[i], born_index(id_of(ids[i]), record))
    elseif expired_key[i] then
      take_expired(i, record, lane_of[expired_key[i]])
    elseif fits(record) then
      take(i, record)
    else
      first_left = math.min(first_left, tonumber(ready[i]))
    end
  end
end

-- The earliest member of `due` that this claim leaves there, and whose mark it does not move. And its score.
local function next_left(range, at, full, marked, moved)
  for i = at, #range, 2 do
    if tonumber(range[i + 1]) >= UPPER then return nil end
    if not marked[range[i]] then return range[i], tonumber(range[i + 1]) end
  end
  if not full or at > #range or moved == 0 then return nil end
  local first = #range / 2
  local more = call('ZRANGE', due, first, first + moved, 'WITHSCORES')
  return next_left(more, 1, false, marked, 0)
end

function claim(wanted)
  local range = call('ZRANGE', due, 0, wanted + 1, 'WITHSCORES')
  local full, from = #range == 2 * (wanted + 2), 1
  if range[1] == PAUSED then
    reply[1], wanted, from = 1, 0, 3
  end
  local room, left_at, is_more = meet_due(range, from, wanted)
  if is_more and counts and reply[1] == 0 then
    reply[3] = call('ZCOUNT', due, 0, '(' .. whole(after(now))) - (wanted - room)
  end
  local handed_out = {}
  if wanted > 0 then room, handed_out = meet_astray(range, left_at, room) end
  open_lines(room)
  take_all(read_records())
  local next_occurrence, moved_on = fire_planned(schedule_keys, schedule_scores, index, ends)
  local moved = #unmarked
  local earliest, marked = put_marks(parked, orphans)
  for _, value in ipairs(parked) do push(leases, value) end
  for _, value in ipairs(moved_on) do push(leases, value) end
  for member in pairs(handed_out) do marked[member] = true end
  local member, score = next_left(range, left_at, full, marked, moved)
  local coming = math.min(score or UPPER, earliest, first_left, left_out, next_occurrence)
  if member and wanted > 0 and coming == score
    and (is_lane(member) and is_astray(score, now) or is_schedule(member) and is_schedule_astray(score)) then
    coming = now * 1024
  end
  if left_out < UPPER and reply[1] == 0 then reply[1] = 2 end
  if coming < UPPER then reply[2] = whole(coming) end
end
