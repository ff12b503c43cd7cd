-- Runs: jobs of a key that a claim takes together, more than the key has slots (_lanes.lua).

-- The runs of claimed jobs: of each key those whose leases end at the same time.
local claimed_runs = {}

-- A job was leased until `ends`.
local function add_to_run(flow_key, ends, rides)
  flow_key.runs = flow_key.runs or {}
  local run = flow_key.runs[ends]
  if not run then
    run = { flow_key = flow_key, ends = ends, jobs = 0, riders = 0 }
    flow_key.runs[ends] = run
    push(claimed_runs, run)
  end
  run.jobs = run.jobs + 1
  if rides then run.riders = run.riders + 1 end
end

-- A job was leased again, for one millisecond longer. The first one of a run takes a slot along; the others ride, as
-- long as there are riders.
local function move_in_run(flow_key, ends)
  touch(flow_key)
  local rides = flow_key.runs and flow_key.runs[ends + 1] and flow_key.riders[ends]
  if rides then
    finish(flow_key, ends)
    flow_key.riders[ends + 1] = (flow_key.riders[ends + 1] or 0) + 1
  end
  add_to_run(flow_key, ends + 1, rides)
end

-- Says of the runs of claimed jobs what the caller must know: KEY:END:SLOTS:UNTIL:AWAITED.
--   KEY, END   the jobs of this key whose leases end then
--   SLOTS      how many of them may run at once; '' for all
--   UNTIL      when those that have not begun go back; '' for never. That is when the window closes in which the claim
--              has counted: before a resend, or by a clock that is ahead, a later one may have been opened.
--   AWAITED    whether others wait for their slots: 0 or 1
function describe_runs()
  for _, run in ipairs(claimed_runs) do
    local flow_key = run.flow_key
    local slots = run.riders > 0 and run.jobs - run.riders or ''
    local window = flow_key.rate > 0 and whole(flow_key.ends > now + flow_key.period and flow_key.ends - flow_key.period or flow_key.ends) or ''
    local is_due = flow_key.count > 0 and select(2, head_of(flow_key)) < after(now)
    local is_awaited = is_due and startable(flow_key, now) > 0 and free(flow_key, now) == 0
    if slots ~= '' or window ~= '' or is_awaited then
      push(run_texts, table.concat({ flow_key.key, whole(run.ends), slots, window, is_awaited and 1 or 0 }, ':'))
    end
  end
end

-- How many jobs a slot of a key may take: those that `run_ms` are enough for, but no more than its part of those that
-- have not begun. A slot takes what is done in an eighth of that time alone: sharing it would cost more requests.
local function per_slot(flow_key)
  local pace = run_ms and (flow_key.pace or usual_pace)
  if not pace then return 1 end
  local unbegun = flow_key.count + flow_key.behind
  for _, riders in pairs(flow_key.riders) do unbegun = unbegun + riders end
  local most = math.floor(run_ms * 10 / math.max(pace, 1))
  return math.max(math.min(most, math.max(math.ceil(unbegun / slots_of(flow_key)), math.floor(most / 8))), 1)
end

-- Gives each key that the claim has met one job, and shares the rest of the batch among them round-robin. A key whose
-- slots are limited gets only what the others leave once the caller can start no more: a job that waits for the caller
-- would keep the slot from other drains.
local function share_out(keys, room)
  local hungry = {}
  local later = {}
  local left = most_startable or 1e9
  for _, key in ipairs(keys) do
    local flow_key = flow_keys[key]
    local is_limited = slots_of(flow_key) < 1e9
    touch(flow_key)
    flow_key.most = math.min(free(flow_key, now) * per_slot(flow_key), startable(flow_key, now), flow_key.count + flow_key.behind)
    flow_key.share = is_limited and left == 0 and 0 or math.min(flow_key.most, 1)
    if flow_key.share == 0 then
      room = room + 1
      push(later, flow_key)
    elseif flow_key.most > 1 then
      push(hungry, flow_key)
    end
    if is_limited then left = left - flow_key.share end
  end
  while room > 0 and #hungry > 0 do
    local again = {}
    local each = math.max(math.floor(room / #hungry), 1)
    for _, flow_key in ipairs(hungry) do
      local more = math.min(each, flow_key.most - flow_key.share, room)
      flow_key.share = flow_key.share + more
      room = room - more
      if flow_key.share < flow_key.most then push(again, flow_key) end
    end
    hungry = again
  end
  for _, flow_key in ipairs(later) do
    flow_key.share = math.min(flow_key.most, room)
    room = room - flow_key.share
  end
end
