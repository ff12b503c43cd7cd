-- Jobs that wait for signals. The record of one ends with
--   ,"waits":"NUMBER:EVENT NUMBER:EVENT"}
-- and in `due`, at 2^54 + 2^53 + 8 * NUMBER, is its mark ' wait:EVENT', a line feed, its id. NUMBER is a hash of the
-- event, in 50 bits. A job that runs, or that has got its signal, may still have its marks: the next outcome removes
-- them.
local WAIT = ' wait:'
local WAITS = 27021597764222976

local function wait_score(number)
  return whole(WAITS + 8 * number)
end

local function wait_mark(event, id)
  return WAIT .. event .. '\n' .. id
end

-- The record of a job with the signal that has come: it no longer ends with what the job waits for.
local function with_signal(record, text)
  return string.sub(record, 1, -2) .. ',"signal":' .. text .. '}'
end

-- Adds the marks that a job may have. What looks like them within a payload adds names that nothing has.
local function push_wait_marks(list, record, id)
  for waits in string.gmatch(record or '', '"waits":"([^"]*)"') do
    for event in string.gmatch(waits, '%d+:(%S+)') do push(list, wait_mark(event, id)) end
  end
end

-- The signals of an event that are still kept, the oldest first, from a list of TIME:BYTES:TEXT.
local function kept_signals(list)
  local kept = {}
  local at = 1
  while list and at <= #list do
    local ends, bytes, from = string.match(list, '^(%d+):(%d+):()', at)
    local past = from + bytes
    local text = string.sub(list, from, past - 1)
    if tonumber(ends) > now then push(kept, { ends = tonumber(ends), text = text, stored = string.sub(list, at, past - 1) }) end
    at = past
  end
  return kept
end

-- The text of such a list, when the last of its signals ends, and how many bytes they have.
local function text_of_signals(kept)
  local texts = {}
  local last = now
  local bytes = 0
  for i, signal in ipairs(kept) do
    texts[i] = signal.stored
    last = math.max(last, signal.ends)
    bytes = bytes + #signal.text
  end
  return table.concat(texts), last, bytes
end
