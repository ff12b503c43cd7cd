-- Every script begins with this file: the keys of the queue, arguments, scores, and commands with many values.
-- KEYS are the eighteen keys of one queue, in the order of keys.ts, so that each of them is declared. The line before
-- this file sets OWN_EXPIRY: whether the server lacks HSETEX.
--
-- Redis refuses a script before its first write if memory is full. Only a key of a wrong type, or a missing permission,
-- stops one half-way, and nothing is undone then. So each script checks before it writes, and writes in this order:
-- records, members that lead to them, members of jobs that have ended, slots and children, the records of these jobs,
-- and metrics. No job is lost then.
local due, jobs, dead, dead_jobs, done_order, dedupe, schedules, manifest, stats, flow, lanes, documents, document_names,
  document_ends, expiry, signals, families, stats_recent = unpack(KEYS)

-- Counts billed commands: the script itself, then each call.
local commands = 1
local function call(...)
  commands = commands + 1
  return redis.call(...)
end

-- The score of a job in `due` holds everything that Lua must know: when the job needs attention (ms, below 2^42), how
-- often it was claimed (0 means never; 511 is followed by 1), and whether it is leased.
--   score = time * 1024 + claims * 2 + leased
-- The members of `due`, by their scores (all keys: docs/internals/storage.md):
--   -1 to 2^52            jobs, schedules, ' lane:KEY' at their times; ' paused' at -1; waiting parents at 2^52 - 1024
--   2^52 to 2^53          ' lease:ID', the index of leased jobs: 2^52 + end * 1024 + nonce, and 2^52 once they are not;
--                         schedules without a next occurrence: 2^52 + revision * 2; keys that can start no job: 2^52
--   2^53 to 2^54          jobs that wait in the line of a key: their scores + 2^53
--   2^54 to 2^54 + 2^52   ' turn:KEY', the twin of ' lane:KEY'
--   2^54 + 2^53 to 2^55   ' wait:EVENT\nID'
--   2^56                  ' used'
local UPPER = 4503599627370496
local IN_LINE = 9007199254740992
local LINES_END = 18014398509481984
-- Where a job stands that waits for its children (_families.lua): the last time of all, which is never.
local FOR_CHILDREN = UPPER - 1024
local function waits_for_children(score)
  return score >= FOR_CHILDREN and score < UPPER
end
local PAUSED = ' paused'
-- Is there while a job type is paused. Each of them has a mark, which begins with it and ends with what is known of it.
local PAUSED_JOBS = ' paused:'
local MOST_PAUSED = 20
local LEASE = ' lease:'
local SCHEDULE = ' schedule:'

local function whole(number)
  return string.format('%.0f', number)
end

local function pack(time, claims, leased)
  return time * 1024 + claims * 2 + leased
end

local function unpack_score(score)
  local rest = score % 1024
  return (score - rest) / 1024, math.floor(rest / 2), rest % 2
end

-- The score of a job of which `due` has this one, and whether it waits in a line; -1 if there is none.
local function out_of_line(stored)
  local score = tonumber(stored or -1)
  if score < IN_LINE then return score, false end
  return score - IN_LINE, true
end

-- The first score after everything that is due at this moment.
local function after(now)
  return (now + 1) * 1024
end

local function is_schedule(member)
  return string.byte(member) == 32 and string.sub(member, 1, #SCHEDULE) == SCHEDULE
end

local function is_job(member)
  return string.byte(member) ~= 32
end

-- A dead job whose failure belongs to a group has a second entry in `dead`, below zero: the score is that of its group,
-- and the name orders the jobs of the group by the times at which they became dead.
local function group_entry(dead_since, id)
  return string.format(' %013.0f ', dead_since) .. id
end

-- Sends a command with many values in pieces: `unpack` of several thousand overflows the stack. Returns how many
-- members it added or removed.
-- @param at_once how many values one command may have. Default: PIECE.
local PIECE = 1000
-- How many store what a thousand children take, or jobs that an outcome makes.
local MANY = 5000
local function call_many(command, key, values, at_once)
  local piece = at_once or PIECE
  local count = 0
  for first = 1, #values, piece do
    count = count + call(command, key, unpack(values, first, math.min(first + piece - 1, #values)))
  end
  return count
end

-- Sends a command that replies for each of its values: ZMSCORE or HMGET.
local function read_many(command, key, values, at_once)
  if #values == 0 then return {} end
  if #values <= (at_once or PIECE) then return call(command, key, unpack(values)) end
  local replies = {}
  for first = 1, #values, at_once or PIECE do
    local last = math.min(first + (at_once or PIECE) - 1, #values)
    local piece = call(command, key, unpack(values, first, last))
    for i = 1, last - first + 1 do replies[first + i - 1] = piece[i] end
  end
  return replies
end

-- Adds at most four values: twice as fast as a variable number.
local function push(list, a, b, c, d)
  local last = #list
  list[last + 1], list[last + 2], list[last + 3], list[last + 4] = a, b, c, d
end

-- Takes the marks of paused job types from the front of what `due` has first. Returns where the other members begin.
local function skip_marks(range, paused_jobs)
  for i = 1, #range, 2 do
    if tonumber(range[i + 1]) >= 0 then return i end
    local text = string.sub(range[i], #PAUSED_JOBS + 1)
    if text ~= '' then push(paused_jobs, text) end
  end
  return #range + 1
end

local function push_all(list, values)
  for _, value in ipairs(values) do push(list, value) end
end

-- Reads records of a hash, and counts those, from the first on, that together have no more bytes than `most`: at least
-- one. A sample says how large they are, so that few more are read than fit. It is spread over all of them, because
-- large ones often come in a row.
local SAMPLE = 20
local function read_fitting(key, ids, most)
  local records = {}
  local is_read = {}

  -- Reads every `step`th that is not read yet. Returns how many it read, and their bytes.
  local function read(first, last, step)
    local positions = {}
    local fields = {}
    local bytes = 0
    for i = first, last, step do
      if not is_read[i] then
        push(positions, i)
        push(fields, ids[i])
      end
    end
    local stored = #fields > 0 and call('HMGET', key, unpack(fields)) or {}
    for n, i in ipairs(positions) do
      records[i] = stored[n]
      is_read[i] = true
      bytes = bytes + #(records[i] or '')
    end
    return #positions, bytes
  end

  local sampled, sample_bytes = read(1, #ids, math.max(math.ceil(#ids / SAMPLE), 1))
  local fitting = 0
  local bytes = 0
  while fitting < #ids do
    local expected = math.ceil((most - bytes + 1) * sampled / (sample_bytes + 1))
    -- The first may be larger than `most`, and is returned alone.
    local last = math.min(fitting + math.max(math.min(expected, PIECE), 1), #ids)
    read(fitting + 1, last, 1)
    for i = fitting + 1, last do
      bytes = bytes + #(records[i] or '')
      if bytes > most and i > 1 then return records, i - 1 end
    end
    fitting = last
  end
  return records, #ids
end

-- How many members of a set come up to and including one: found by its name, or by its score if it has moved since.
local function members_until(key, score, member, reversed)
  if member == '' then return 0 end
  local rank = call(reversed and 'ZREVRANK' or 'ZRANK', key, member)
  if rank and tonumber(call('ZSCORE', key, member)) == tonumber(score) then return rank + 1 end
  if reversed then return call('ZCOUNT', key, '(' .. score, '+inf') end
  return call('ZCOUNT', key, '-inf', '(' .. score)
end

-- Whether a text sorts after another one, byte by byte: `<` of Lua follows the locale of the server.
local function is_after(text, other)
  for i = 1, math.min(#text, #other) do
    local byte = string.byte(text, i)
    local other_byte = string.byte(other, i)
    if byte ~= other_byte then return byte > other_byte end
  end
  return #text > #other
end

-- A stored record may begin with the job's flow control key (_lanes.lua). The rest is the record that the caller sent.
local function without_prefix(stored)
  if string.byte(stored, 1) ~= 50 then return stored end
  return (string.gsub(stored, '^2:%d+:[^:]+:%d+:%d+:%d+:%d:', '', 1))
end

-- How often drains have claimed a job that has never begun, and handed it back: its record ends with it. So a job has
-- begun if it was claimed more often than that (core/store/returns.ts).
local function returns_of(record)
  local returned = string.match(record, ',"returned":(%d+)}$')
  return returned and (tonumber(returned) - 1) % 511 + 1 or 0
end

-- A record begins with the text that was stored first, except for its last character, whatever a job has added to it
-- since (record.ts). So a resent script recognises what it has stored.
local function is_own(stored, record)
  stored = stored and without_prefix(stored)
  if not stored or stored == record then return stored == record end
  return string.sub(stored, 1, #record) == string.sub(record, 1, -2) .. ','
end

-- Stores the records of new jobs. Those that have completed before under the same ids are kept no longer.
-- @param others how many of the records are of jobs that exist. Default: none.
-- @param at_once as of `call_many`.
local function store_new(records, others, at_once)
  local added = call_many('HSET', jobs, records, at_once)
  if added + (others or 0) >= #records / 2 then return end
  local ids = {}
  for i = 1, #records, 2 do push(ids, records[i]) end
  call_many('ZREM', done_order, ids)
end

-- Without HSETEX, a sorted set holds when fields expire: 'k' and a dedupe key, 'f' and a flow control key that is idle
-- while its window is open, 's' and the field of a signal. For completed jobs, `done:order` says it.
local EXPIRING = { [dedupe] = 'k', [flow] = 'f', [signals] = 's' }

-- Stores fields that expire. HSETEX comes before other writes of a script, or goes to a hash that the script has read:
-- so it does not fail half-way. A server that lacks it, or does not allow it, is asked once: the reply of the script
-- says so to the caller.
local function set_expiring(hash, fields, ttl_ms, now)
  for first = 1, OWN_EXPIRY and 0 or #fields, PIECE do
    local last = math.min(first + PIECE - 1, #fields)
    commands = commands + 1
    local stored = redis.pcall('HSETEX', hash, 'PX', whole(ttl_ms), 'FIELDS', (last - first + 1) / 2, unpack(fields, first, last))
    local problem = type(stored) == 'table' and stored.err
    OWN_EXPIRY = problem and (string.find(problem, 'nknown ') or string.find(problem, 'ACL failure') or string.find(problem, "can't run this")) ~= nil
    if OWN_EXPIRY then break end
    if problem then error(problem, 0) end
  end
  if not OWN_EXPIRY then return end
  local ends = {}
  for i = 1, hash == jobs and 0 or #fields, 2 do push(ends, whole(now + ttl_ms), EXPIRING[hash] .. fields[i]) end
  call_many('ZADD', expiry, ends)
  call_many('HSET', hash, fields)
end

-- Removes fields that have expired, a piece at a time; with HSETEX Redis does that.
local function remove_expired(now)
  if not OWN_EXPIRY then return end
  local completed = call('ZRANGE', done_order, '-inf', whole(now), 'BYSCORE', 'LIMIT', 0, PIECE)
  call_many('HDEL', jobs, completed)
  call_many('ZREM', done_order, completed)
  local members = call('ZRANGE', expiry, '-inf', whole(now), 'BYSCORE', 'LIMIT', 0, PIECE)
  local fields = { k = {}, f = {}, s = {} }
  for _, member in ipairs(members) do push(fields[string.sub(member, 1, 1)], string.sub(member, 2)) end
  call_many('HDEL', dedupe, fields.k)
  call_many('HDEL', signals, fields.s)
  local ended = {}
  for i, text in ipairs(read_many('HMGET', flow, fields.f)) do
    local ends = string.match(text or '', '^%d+:%d+:%d+:[01]:0/?%d*:%d+:(%d+):%d+:%d+:0:0:')
    if ends and tonumber(ends) <= now then push(ended, fields.f[i]) end
  end
  call_many('HDEL', flow, ended)
  call_many('ZREM', expiry, members)
end
