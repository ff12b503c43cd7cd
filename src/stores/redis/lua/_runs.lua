-- Runs: jobs of a key that a claim takes together, more than the key has slots (_lanes.lua).

-- The runs of claimed jobs: of each key those whose leases end at the same time.
local claimed_runs = {}

-- A job was leased until `ends`.
local function add_to_run(lane, ends, waits_for_slot)
  lane.runs = lane.runs or {}
  local run = lane.runs[ends]
  if not run then
    run = { lane = lane, ends = ends, jobs = 0, waiting = 0 }
    lane.runs[ends] = run
    push(claimed_runs, run)
  end
  run.jobs = run.jobs + 1
  if waits_for_slot then run.waiting = run.waiting + 1 end
end

-- A job was leased again, a millisecond longer. The first of a run takes a slot along; the others wait while any do.
local function move_in_run(lane, ends)
  touch(lane)
  local waits_for_slot = lane.runs and lane.runs[ends + 1] and lane.waiting[ends]
  if waits_for_slot then
    finish(lane, ends)
    lane.waiting[ends + 1] = (lane.waiting[ends + 1] or 0) + 1
  end
  add_to_run(lane, ends + 1, waits_for_slot)
end

-- Says of the runs of claimed jobs what the caller must know. The window is the one in which the claim has counted:
-- before a resend, or by a clock that is ahead, a later one may have been opened.
local function describe_runs()
  for _, run in ipairs(claimed_runs) do
    local lane = run.lane
    local slots = run.waiting > 0 and run.jobs - run.waiting or ''
    local window = lane.rate > 0 and whole(lane.ends > now + lane.period and lane.ends - lane.period or lane.ends) or ''
    local is_due = lane.count > 0 and select(2, head_of(lane)) < after(now)
    local is_awaited = is_due and startable(lane, now) > 0 and free(lane, now) == 0
    if slots ~= '' or window ~= '' or is_awaited then
      push(runs, lane.key, whole(run.ends), slots, window)
      push(runs, is_awaited and 1 or '')
    end
  end
end

-- How many jobs a slot of a key may take: those that `run_ms` are enough for, but no more than its part of those that
-- have not begun. A slot takes what is done in an eighth of that time alone: sharing it would cost more requests.
local function per_slot(lane)
  local pace = run_ms and (lane.pace or usual_pace)
  if not pace then return 1 end
  local unbegun = lane.count + lane.behind
  for _, count in pairs(lane.waiting) do unbegun = unbegun + count end
  local most = math.floor(run_ms * 10 / math.max(pace, 1))
  return math.max(math.min(most, math.max(math.ceil(unbegun / slots_of(lane)), math.floor(most / 8))), 1)
end

-- Gives each key that is due one job, and shares the rest of the batch among them round-robin. A key whose
-- slots are limited gets only what the others leave once the caller can start no more: a job that waits for the caller
-- would keep the slot from other drains.
local function share_out(keys, room)
  local hungry = {}
  local later = {}
  local left = most_startable or 1e9
  for _, key in ipairs(keys) do
    local lane = lanes_by_key[key]
    local is_limited = slots_of(lane) < 1e9
    touch(lane)
    lane.most = math.min(free(lane, now) * per_slot(lane), startable(lane, now), lane.count + lane.behind)
    lane.share = is_limited and left == 0 and 0 or math.min(lane.most, 1)
    if lane.share == 0 then
      room = room + 1
      push(later, lane)
    elseif lane.most > 1 then
      push(hungry, lane)
    end
    if is_limited then left = left - lane.share end
  end
  while room > 0 and #hungry > 0 do
    local again = {}
    local each = math.max(math.floor(room / #hungry), 1)
    for _, lane in ipairs(hungry) do
      local more = math.min(each, lane.most - lane.share, room)
      lane.share = lane.share + more
      room = room - more
      if lane.share < lane.most then push(again, lane) end
    end
    hungry = again
  end
  for _, lane in ipairs(later) do
    lane.share = math.min(lane.most, room)
    room = room - lane.share
  end
end
