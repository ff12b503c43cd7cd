-- How the keys that a script has touched are marked and stored (_lanes.lua).

-- Marks all touched keys, for a ZADD and a ZREM of `due` that follow. Returns the earliest mark, and the touched keys.
local function put_marks(adding, removing)
  local earliest = UPPER
  local marked = {}
  for _, lane in ipairs(unmarked) do
    find_head(lane)
    lane.needs_mark = false
    marked[LANE .. lane.key] = true
    if is_idle(lane) then
      if lane.mark then push(removing, LANE .. lane.key, TURN .. lane.key) end
      lane.mark = nil
    else
      local mark = mark_of(lane)
      earliest = math.min(earliest, mark)
      if mark ~= lane.mark then push(adding, whole(mark), LANE .. lane.key, whole(LINES_END + mark), TURN .. lane.key) end
      lane.mark = mark
    end
  end
  unmarked = {}
  return earliest, marked
end

-- Stores the state of keys. `leave_lines` and `forget_keys` later remove what must go: a key whose state is no longer
-- needed. One with an open window expires with it.
local forgotten = {}
local function store_keys(now)
  forgotten = {}
  local kept = {}
  local resting = {}
  local rest = 1
  for _, lane in ipairs(touched) do
    if not is_idle(lane) then push(kept, lane.key, format_lane(lane))
    elseif not is_forgotten(lane, now) then
      push(resting, lane.key, format_lane(lane))
      rest = math.max(rest, lane.ends - now)
    elseif lane.original then
      push(forgotten, lane.key)
    end
  end
  call_many('ZADD', lanes, standing)
  standing = {}
  if #resting > 0 then set_expiring(flow, resting, rest, now) end
  call_many('HSET', flow, kept)
end

-- Stores lines that jobs have joined, before the members of `due` that say so.
local function store_lines(now)
  if has_joined then store_keys(now) end
  has_joined = false
end

local function forget_keys()
  call_many('HDEL', flow, forgotten)
end

-- Stores keys, then adds members to `due` together with the marks of the keys, and takes entries out of lines and
-- members out of `due`. What else a script removes, it removes after this.
local function commit_keys(now, adding, removing)
  removing = removing or {}
  put_marks(adding, removing)
  store_keys(now)
  call_many('ZADD', due, adding)
  leave_lines()
  forget_keys()
  call_many('ZREM', due, removing)
end
