-- Brings a signal to the jobs that wait for its event. If none does, it is kept for the first one that will.
-- @arg now number, signal_id text, event text, event_number number, text text  for the records of jobs
-- @arg keep_ms number, known_ms number  for how long it is kept, 0 for not at all, and for how long it is recognized
-- @arg most_bytes number  that are kept of one event
-- @reply woken number, is_kept flag  -1 woken: there is no room to keep it
-- include: _waiting.lua

local known = call('HMGET', signals, 'i' .. signal_id, 'e' .. event)
local known_until, woken, was_kept = string.match(known[1] or '', '^(%d+):(%d+):(%d)$')
if known_until and tonumber(known_until) > now then return { tonumber(woken), tonumber(was_kept) } end

local score = wait_score(event_number)
local ids = {}
local beginning = WAIT .. event .. '\n'
for _, mark in ipairs(call('ZRANGE', due, score, score, 'BYSCORE')) do
  if string.sub(mark, 1, #beginning) == beginning then push(ids, string.sub(mark, #beginning + 1)) end
end
local job_scores = read_many('ZMSCORE', due, ids)
local records = read_many('HMGET', jobs, ids)

local function waits(i)
  local stored = tonumber(job_scores[i] or -1)
  local job_score = stored >= IN_LINE and stored - IN_LINE or stored
  local _, _, leased = unpack_score(job_score)
  local record = records[i]
  if leased == 1 or not record then return false end
  return string.find(record, '^.*,"waits":"[^"]*"}$') ~= nil
end

local waiting = {}
local stale = {}
local keys = {}
for i = 1, #ids do
  if waits(i) then
    push(waiting, i)
    local key = flow_of(records[i])
    if key then push(keys, key) end
  elseif not job_scores[i] then
    push(stale, beginning .. ids[i])
  end
end
load_keys(keys, now)

local written = {}
local adding = {}
for _, i in ipairs(waiting) do
  local id = ids[i]
  local stored = tonumber(job_scores[i])
  local in_line = stored >= IN_LINE
  local job_score = in_line and stored - IN_LINE or stored
  local time, claims = unpack_score(job_score)
  -- Another score than before: whoever has read the job, to change it, learns that it has changed.
  local new_score = pack(time == now and now - 1 or now, claims, 0)
  local key, order = flow_of(records[i])
  push(written, id, with_signal(records[i], text))
  if in_line and key then
    remove(lanes_by_key[key], order, job_score, id)
    insert(lanes_by_key[key], order, new_score, id)
  end
  push(adding, whole(in_line and IN_LINE + new_score or new_score), id)
end

local is_kept = #waiting == 0 and keep_ms > 0
-- Fields of one HSETEX expire together: with the last of what they hold.
local last = now + math.max(keep_ms, known_ms)
local fields = { 'i' .. signal_id, whole(now + known_ms) .. ':' .. #waiting .. ':' .. (is_kept and 1 or 0) }
if is_kept then
  local list = {}
  local bytes = #text
  local at = 1
  while known[2] and at <= #known[2] do
    local ends, size, from = string.match(known[2], '^(%d+):(%d+):()', at)
    local next_at = from + size
    if tonumber(ends) > now then
      push(list, string.sub(known[2], at, next_at - 1))
      bytes = bytes + size
      last = math.max(last, tonumber(ends))
    end
    at = next_at
  end
  if bytes > most_bytes then return { -1, 0 } end
  push(list, whole(now + keep_ms) .. ':' .. #text .. ':' .. text)
  push(fields, 'e' .. event, table.concat(list))
end
call_many('HSET', jobs, written)
commit_keys(now, adding, {})
call_many('ZREM', due, stale)
set_expiring(signals, fields, last - now, now)
remove_expired(now)
return { #waiting, is_kept and 1 or 0 }
