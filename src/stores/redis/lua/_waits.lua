-- The outcomes of jobs that wait for signals, or have waited: their marks, and signals that were kept (signal.lua).
local wait_of = {}
for _, wait in ipairs(waits) do
  wait.marked = {}
  wait_of[wait.outcome] = wait
end
-- The signals that are kept, by the fields of their events, and the fields from which an outcome has taken one.
local kept
local has_taken = {}

-- A job gets a signal that was kept: it is due at once.
local function give_signal(wait, text)
  local i = wait.outcome
  local _, claims = unpack_score(tonumber(scores[i]))
  records[i] = with_signal(records[i], text)
  scores[i] = whole(pack(now, claims, 0))
  wait.is_woken = true
end

local function read_kept()
  local fields = {}
  for _, wait in ipairs(waits) do
    for event in string.gmatch(wait.now_waits, '%d+:(%S+)') do push(fields, 'e' .. event) end
  end
  kept = {}
  for n, list in ipairs(read_many('HMGET', signals, fields)) do kept[fields[n]] = kept_signals(list) end
end

-- Adds the marks of a job that begins to wait. If a signal was kept for it, it takes that instead: this changes the
-- score and the record of the outcome.
function begin_wait(i, adding)
  local wait = wait_of[i]
  if not wait or wait.now_waits == '' then return end
  if not kept then read_kept() end
  local marks = {}
  for number, event in string.gmatch(wait.now_waits, '(%d+):(%S+)') do
    local field = 'e' .. event
    local signal = table.remove(kept[field], 1)
    if signal then
      has_taken[field] = true
      wait.marked = {}
      return give_signal(wait, signal.text)
    end
    local mark = wait_mark(event, ids[i])
    push(marks, wait_score(tonumber(number)), mark)
    wait.marked[mark] = true
  end
  push_all(adding, marks)
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
  for field in pairs(has_taken) do
    local text, last = text_of_signals(kept[field])
    if text == '' then push(used_up, field) else set_expiring(signals, { field, text }, last - now, now) end
  end
  call_many('HDEL', signals, used_up)
end
