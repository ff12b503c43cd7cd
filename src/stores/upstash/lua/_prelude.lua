-- Shared by every script. KEYS are always the nine of one queue, in the order of keys.ts, so that each key is declared.
local due, jobs, dead, dead_jobs, done, dedupe, schedules, manifest, stats = unpack(KEYS)

-- Counts what is billed: the script itself, then each call.
local commands = 1
local function call(...)
  commands = commands + 1
  return redis.call(...)
end

-- A score tells all that Lua must know of a job: when it needs attention, how often it was claimed, whether it is leased.
--   score = time * 1024 + claims * 2 + leased       (time in ms below 2^42, claims modulo 512)
-- Leased jobs stand a second time in the upper half of `due`, as the index of what is running:
--   score of ' lease:ID' = 2^52 + end * 1024 + nonce while leased, 2^52 when not any more
-- Schedules to which no slot comes stand at the foot of that half: 2^52 + revision * 2
local UPPER = 4503599627370496
local PAUSED = ' paused'
local LEASE = ' lease:'
local SCHEDULE = ' schedule:'

local function whole(number)
  return string.format('%.0f', number)
end

local function pack(time, claims, leased)
  return time * 1024 + (claims % 512) * 2 + leased
end

local function unpack_score(score)
  local rest = score % 1024
  return (score - rest) / 1024, math.floor(rest / 2), rest % 2
end

-- The first score after everything that is due at this moment.
local function after(now)
  return (now + 1) * 1024
end

local function is_schedule(member)
  return string.byte(member) == 32 and string.sub(member, 1, #SCHEDULE) == SCHEDULE
end

-- Sends a command of many values in pieces: `unpack` of some thousands overflows the stack.
local PIECE = 1000
local function call_many(command, key, values)
  for first = 1, #values, PIECE do
    call(command, key, unpack(values, first, math.min(first + PIECE - 1, #values)))
  end
end

-- The same for a command that answers each value: ZMSCORE, HMGET.
local function read_many(command, key, values)
  local answers = {}
  for first = 1, #values, PIECE do
    local last = math.min(first + PIECE - 1, #values)
    local piece = call(command, key, unpack(values, first, last))
    for i = 1, last - first + 1 do answers[first + i - 1] = piece[i] end
  end
  return answers
end

-- Reads records of a hash, and counts those, from the first on, that have no more bytes than `most` together: one at least.
-- How large the first hundred are tells how many more to read: not all that are wanted, where few of them fit.
local function read_fitting(key, ids, most)
  local records, bytes, read, piece = {}, 0, 0, 100
  while read < #ids do
    local last = math.min(read + piece, #ids)
    local answers = call('HMGET', key, unpack(ids, read + 1, last))
    for i = read + 1, last do
      records[i] = answers[i - read]
      bytes = bytes + #(records[i] or '')
      if bytes > most and i > 1 then return records, i - 1 end
    end
    read = last
    piece = math.min(math.ceil((most - bytes + 1) * read / (bytes + 1)), PIECE)
  end
  return records, #ids
end

-- Four values at most: twice as fast as any number of them.
local function push(list, a, b, c, d)
  local last = #list
  list[last + 1], list[last + 2], list[last + 3], list[last + 4] = a, b, c, d
end

-- Counters are numbers of 64 bits in one string, so that one command adds to any of them:
--   first five totals, from 8 on the histogram of waiting, from 24 on that of running (a sum in ms, then the counts),
--   then, as numbers of 32 bits, four for each of the last 64 minutes: which it is, processed, retried, dead
local PROCESSED, RETRIED, CANCELLED, REVIVED, REMOVED = '#0', '#1', '#2', '#3', '#4'
local HISTOGRAMS, HISTOGRAM_SIZE, MINUTES, MINUTES_KEPT = { 8, 24 }, 16, 80, 64

local function add(counter, by)
  call('BITFIELD', stats, 'INCRBY', 'i64', counter, by)
end

-- Finished records are kept as fields that expire by themselves.
local function keep_finished(pairs_of, retention_ms)
  for first = 1, #pairs_of, PIECE do
    local last = math.min(first + PIECE - 1, #pairs_of)
    call('HSETEX', done, 'PX', retention_ms, 'FIELDS', (last - first + 1) / 2, unpack(pairs_of, first, last))
  end
end
