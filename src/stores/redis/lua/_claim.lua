-- Claims what is due: re-scores it to the end of its lease.

-- Whether a claim has made the job: one that was born leased otherwise has an id that was made for it.
local function is_occurrence(name)
  return string.find(name, '@%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$') ~= nil
end

-- What earlier sends took while their answers were lost: leased anew, one millisecond longer, so that no two hold one lease.
-- Of three sends, the second may have lengthened it already.
local function recover()
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
        taken[jobs_taken * 4 - 3] = FIRED .. id_of(id)
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

-- A job of a key that is met by itself has a lease that ran out. If its key has no place for it any more, it waits again.
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

local function claim(wanted)
  local range = call('ZRANGE', due, 0, wanted + 1, 'WITHSCORES')
  local full, ids, ready, first = #range == 2 * (wanted + 2), {}, {}, 1
  if range[1] == PAUSED then
    reply[1], wanted, first = 1, 0, 3
  end
  local slot_keys, slot_scores, found, not_due = {}, {}, 0, after(now)
  local keys, key_at, lane_at, left_at, left_out = {}, {}, {}, #range + 1, UPPER
  local born, born_ids, born_scores = {}, {}, {}
  for i = first, #range, 2 do
    local member, score = range[i], tonumber(range[i + 1])
    local has_lane = is_lane(member)
    if has_lane and not may_meet_keys and score < not_due and wanted > 0 then
      left_out = math.min(left_out, score)
    elseif score < not_due and found + #slot_keys < wanted then
      if is_schedule(member) then
        push(slot_keys, string.sub(member, #SCHEDULE + 1))
        push(slot_scores, range[i + 1])
      else
        found = found + 1
        ids[found], ready[found] = member, range[i + 1]
        if has_lane then
          key_at[found] = string.sub(member, #LANE + 1)
          push(keys, key_at[found])
        elseif is_born(member) then
          push(born, member)
          push(born_ids, id_of(member))
          push(born_scores, range[i + 1])
        end
      end
    else
      left_at = i
      if counts and reply[1] == 0 and score < not_due then
        reply[3] = call('ZCOUNT', due, 0, '(' .. whole(not_due)) - found - #slot_keys
      end
      break
    end
  end
  -- What is further ahead than this clock can have put it is due by this one.
  local astray, handed_out = {}, {}
  for i = left_at, wanted > 0 and #range or 0, 2 do
    local member, score = range[i], tonumber(range[i + 1])
    local has_room = found + #slot_keys < wanted
    if is_lane(member) and is_astray(score, now) then
      local key = string.sub(member, #LANE + 1)
      if may_meet_keys then push(astray, key) else left_out = math.min(left_out, now * 1024) end
      if may_meet_keys and has_room then
        found = found + 1
        ids[found], ready[found], key_at[found] = member, range[i + 1], key
        push(keys, key)
      end
    elseif is_schedule(member) and has_room and is_schedule_astray(score) then
      push(slot_keys, string.sub(member, #SCHEDULE + 1))
      push(slot_scores, range[i + 1])
      handed_out[member] = true
    end
  end
  if #astray > 0 then
    load_lanes(astray, now)
    for _, key in ipairs(astray) do touch(lane_of[key]) end
  end
  if #keys > 0 then
    load_lanes(keys, now)
    share_out(keys, wanted - found - #slot_keys)
    -- The mark that was met moves also where it had stayed behind when a command failed.
    for i, key in pairs(key_at) do lane_of[key].mark = tonumber(ready[i]) end
    ids, ready, lane_at = with_lines(ids, ready, key_at, not_due)
  end
  -- Where a command has failed before, a job stands under both names: then the one under its id is the one.
  local born_records, is_double = read_born(born, born_scores), {}
  for i, score in ipairs(read_many('ZMSCORE', due, born_ids)) do is_double[born[i]] = score end
  for name, record in pairs(born_records) do written[name] = record end
  local records, ends, expired = records_of(ids), now + lease_ms, {}
  for i = 1, #ids do
    if may_meet_keys and not lane_at[i] and string.byte(records[i] or '', 1) == 50 then push(expired, (flow_of(records[i]))) end
  end
  load_lanes(expired, now)
  -- Writing a score takes longer than all else that is done for a job, and most of them have been claimed equally often.
  local index, leased, parked, first_left, is_full = index_score(ends), {}, {}, UPPER, false
  for i = 1, #ids do
    local record, lane = records[i], lane_at[i]
    local key, order
    if not lane and string.byte(record or '', 1) == 50 then key, order = flow_of(record) end
    if lane and (lane.is_stuck or free(lane, now) == 0) then
      lane.is_stuck = true
    elseif not record then
      evicted = evicted + 1
      push(orphans, ids[i], LEASE .. ids[i])
      if lane then pop(lane) end
    elseif is_double[ids[i]] then
      push(orphans, ids[i], born_index(id_of(ids[i]), record))
    elseif key and not may_meet_keys then
      left_out = math.min(left_out, tonumber(ready[i]))
    elseif key and (free(lane_of[key], now, lane_of[key].running - 1) == 0 or is_ahead(lane_of[key], order)) then
      give_back(lane_of[key], order, ids[i], ready[i], parked)
    else
      bytes_left = bytes_left - #record
      is_full = is_full or (bytes_left < 0 and jobs_taken > 0)
      if is_full and lane then
        lane.is_stuck = true
      elseif is_full then
        first_left = math.min(first_left, tonumber(ready[i]))
      else
        local _, claims = unpack_score(tonumber(ready[i]))
        leased[claims] = leased[claims] or whole(pack(ends, claims + 1, 1))
        if lane then
          pop(lane)
          push(unclaimed, whole(IN_LINE + ready[i]), ids[i], whole(UPPER), LEASE .. ids[i])
        end
        if key then finish(lane_of[key]) end
        if lane or key then begin(lane or lane_of[key], now) end
        local id = ids[i]
        -- Born leased, it goes on under its id.
        if born_records[id] then
          id = id_of(ids[i])
          push(adopted, id, record)
          written[id] = record
          push(orphans, ids[i], born_index(id, record))
        end
        lease(id, ready[i], record, leased[claims], index)
      end
    end
  end
  local next_slot, moved_on = fire_planned(slot_keys, slot_scores, index, ends)
  local moved = #unmarked
  local earliest, marked = put_marks(parked, orphans)
  for _, value in ipairs(parked) do push(leases, value) end
  for _, value in ipairs(moved_on) do push(leases, value) end
  for member in pairs(handed_out) do marked[member] = true end
  local left, left_score = next_left(range, left_at, full, marked, moved)
  local coming = math.min(left_score or UPPER, earliest, first_left, left_out, next_slot)
  if left and wanted > 0 and coming == left_score
    and (is_lane(left) and is_astray(left_score, now) or is_schedule(left) and is_schedule_astray(left_score)) then
    coming = now * 1024
  end
  if left_out < UPPER and reply[1] == 0 then reply[1] = 2 end
  if coming < UPPER then reply[2] = whole(coming) end
end
