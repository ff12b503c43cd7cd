-- The line of a key: its start in `flow`, and the rest in `lanes` (_lanes.lua).

-- The start of a line stays as it was read: most scripts take its head, or append. An item is { place, score, id }.

local function read_entry(text, at)
  local bytes, from = string.match(text, '^(%d+):()', at + 32)
  local place = tonumber(string.sub(text, at, at + 15))
  local score = tonumber(string.sub(text, at + 16, at + 31))
  return { place, score, string.sub(text, from, from + bytes - 1) }, from + bytes
end

local function entries(lane)
  local line = {}
  local at = lane.at
  for i = 1, lane.count do line[i], at = read_entry(lane.text, at) end
  return line
end

local function stamp(item)
  return string.format('%016.0f%016.0f', item[1], item[2])
end

local function entry(item)
  return stamp(item) .. #item[3] .. ':' .. item[3]
end

local function set_entries(lane, line)
  local parts = {}
  for i, item in ipairs(line) do parts[i] = entry(item) end
  lane.text = table.concat(parts)
  lane.at = 1
  lane.count = #line
  lane.final = line[#line]
  lane.tail = lane.final and lane.final[1] or 0
end

local function member_of(lane, item)
  return lane.key .. ':' .. stamp(item) .. item[3]
end

local function is_behind(item, other)
  if item[1] ~= other[1] then return item[1] > other[1] end
  if item[2] ~= other[2] then return item[2] > other[2] end
  return is_after(item[3], other[3])
end

local function stand_behind(lane, item)
  local member = member_of(lane, item)
  lane.behind = lane.behind + 1
  if is_leaving[member] then
    -- It is the last one that was read, and keeps its place.
    is_leaving[member] = nil
    lane.read = lane.read - 1
  else
    push(standing, 0, member)
  end
end

-- The text of the entries that have not been taken.
local function rest_of_start(lane)
  return string.sub(lane.text, lane.count > 0 and lane.at or #lane.text + 1)
end

local has_joined = false
local function insert(lane, order, score, id)
  has_joined = true
  touch(lane)
  -- Jobs with an order go by it only in a key that is ordered.
  local item = { order > 0 and has(lane, ORDERED) and order or score, score, id }
  local is_last = lane.count == 0 or item[1] > lane.tail
  if item[1] == lane.tail and not is_last then
    if not lane.final then
      local line = entries(lane)
      lane.final = line[#line]
    end
    is_last = is_behind(item, lane.final)
  end
  if is_last and (lane.behind > 0 or lane.count >= INLINE) then return stand_behind(lane, item) end
  if is_last then
    lane.text = rest_of_start(lane) .. entry(item)
    lane.at = 1
    lane.count = lane.count + 1
    lane.tail = item[1]
    lane.final = item
    return
  end
  local line = entries(lane)
  local at = #line + 1
  while at > 1 and is_behind(line[at - 1], item) do at = at - 1 end
  table.insert(line, at, item)
  if #line > INLINE then stand_behind(lane, table.remove(line)) end
  set_entries(lane, line)
end

local function remove_at(lane, place, score, id)
  local line = place <= lane.tail and entries(lane) or {}
  for i, item in ipairs(line) do
    if item[3] == id then
      table.remove(line, i)
      set_entries(lane, line)
      return true
    end
  end
  local member = member_of(lane, { place, score, id })
  for i = 2, #standing, 2 do
    if standing[i] == member then
      table.remove(standing, i)
      table.remove(standing, i - 1)
      lane.behind = lane.behind - 1
      return true
    end
  end
  if lane.behind == 0 or not call('ZSCORE', lanes, member) then return false end
  is_leaving[member] = true
  removed[member] = true
  lane.behind = lane.behind - 1
  return true
end

-- A job that has already left the line, for example by an earlier send, is not counted again. One with an order may
-- have joined the line, or moved in it, while the key was not ordered.
local function remove(lane, order, score, id)
  touch(lane)
  if order > 0 and remove_at(lane, order, score, id) then return end
  remove_at(lane, score, score, id)
end

local function pop(lane)
  local item
  item, lane.at = read_entry(lane.text, lane.at)
  lane.count = lane.count - 1
  return item
end

local function leave_lines()
  local leaving = {}
  for member in pairs(is_leaving) do push(leaving, member) end
  call_many('ZREM', lanes, leaving)
end

-- Reads more of a line. Entries that were read are removed from `lanes` at the end, for all keys in one command.
local function refill(lane, many)
  -- Entries added since then come after all that was read, so that reading continues where it stopped.
  call_many('ZADD', lanes, standing)
  standing = {}
  local found = call('ZRANGE', lanes, '[' .. lane.key .. ':', '(' .. lane.key .. ';', 'BYLEX', 'LIMIT', lane.read, many)
  local parts = { rest_of_start(lane) }
  local last
  local count = 0
  for _, member in ipairs(found) do
    if not removed[member] then
      local at = #lane.key + 2
      local id = string.sub(member, at + 32)
      push(parts, string.sub(member, at, at + 31), #id, ':', id)
      is_leaving[member] = true
      last = member
      count = count + 1
    end
  end
  if last then
    lane.text = table.concat(parts)
    lane.at = 1
    lane.count = lane.count + count
    lane.final = nil
    lane.tail = tonumber(string.sub(last, #lane.key + 2, #lane.key + 17))
  end
  lane.read = lane.read + #found
  lane.behind = #found < many and 0 or lane.behind - count
end

-- Reads more of a line whose start is empty. In a key that is no longer ordered, a job at the head that waits for its
-- run time gives way to the others. A few of them do so at once: the mark of the next one brings the next claim here.
local function find_head(lane)
  local moves = has(lane, ORDERED) and 0 or INLINE
  for i = 0, moves do
    while lane.count == 0 and lane.behind > 0 do refill(lane, INLINE) end
    if lane.count == 0 or i == moves then return end
    local place, score = head_of(lane)
    if score <= place then return end
    insert(lane, 0, score, pop(lane)[3])
  end
end
