-- The outcomes of jobs that wait for signals, or have waited: their marks, and signals that were kept (signal.lua).
for _, wait in ipairs(waits) do wait.marked = {} end
-- What is left of the signals of an event from which an outcome has taken one.
local left_signals = {}

-- Takes the oldest signal that is still kept out of a list of TIME:BYTES:TEXT. Returns its text, and the rest.
local function take_signal(list)
  local at = 1
  while list and at <= #list do
    local ends, bytes, from = string.match(list, '^(%d+):(%d+):()', at)
    at = from + bytes
    if tonumber(ends) > now then return string.sub(list, from, at - 1), string.sub(list, at) end
  end
  return nil, list
end

-- A job gets a signal that was kept: it is due at once.
local function give_signal(wait, text)
  local i = wait.outcome
  local _, claims = unpack_score(tonumber(scores[i]))
  records[i] = with_signal(records[i], text)
  scores[i] = whole(pack(now, claims, 0))
  wait.is_woken = true
end

local function read_kept(holding)
  local fields = {}
  for _, wait in ipairs(holding) do
    for event in string.gmatch(wait.now_waits, '%d+:(%S+)') do push(fields, 'e' .. event) end
  end
  local kept = {}
  for n, list in ipairs(read_many('HMGET', signals, fields)) do kept[fields[n]] = list or nil end
  return kept
end

-- Adds the marks of jobs that begin to wait, if no signal was kept for them.
function begin_waits(stored, adding)
  local holding = {}
  for _, wait in ipairs(waits) do
    local holds = tonumber(stored[wait.outcome] or -1) == tonumber(held_leases[wait.outcome])
    if wait.now_waits ~= '' and holds then push(holding, wait) end
  end
  local kept = read_kept(holding)
  for _, wait in ipairs(holding) do
    local marks = {}
    for number, event in string.gmatch(wait.now_waits, '(%d+):(%S+)') do
      local field = 'e' .. event
      local text, rest = take_signal(kept[field])
      if text then
        kept[field] = rest
        left_signals[field] = rest
        give_signal(wait, text)
        break
      end
      local mark = wait_mark(event, ids[wait.outcome])
      push(marks, wait_score(tonumber(number)), mark)
      wait.marked[mark] = true
    end
    if wait.is_woken then wait.marked = {} else push_all(adding, marks) end
  end
end

-- Adds to what leaves `due` the marks of jobs that have waited until now, and says which jobs are due at once.
function end_waits(leaving)
  for _, wait in ipairs(waits) do
    if accepted[wait.outcome] then
      if wait.is_woken then settled[wait.outcome] = 2 end
      for event in string.gmatch(wait.has_waited, '%d+:(%S+)') do
        local mark = wait_mark(event, ids[wait.outcome])
        if not wait.marked[mark] then push(leaving, mark) end
      end
    end
  end
end

-- Signals that jobs have got are kept no longer.
function take_signals()
  local used_up = {}
  for field, list in pairs(left_signals) do
    if list == '' then
      push(used_up, field)
    else
      local last = now
      local at = 1
      while at <= #list do
        local ends, bytes, from = string.match(list, '^(%d+):(%d+):()', at)
        last = math.max(last, tonumber(ends))
        at = from + bytes
      end
      set_expiring(signals, { field, list }, math.max(last - now, 1), now)
    end
  end
  call_many('HDEL', signals, used_up)
end
