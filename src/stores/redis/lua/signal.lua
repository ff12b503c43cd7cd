-- Brings a signal to the jobs that wait for its event. If none does, it is kept for the first one that will.
-- @arg now number, signal_id text, event text, event_number number, text text  for the records of jobs
-- @arg keep_ms number, known_ms number  for how long it is kept, 0 for not at all, and for how long it is recognized
-- @arg most_bytes number  that are kept of one event
-- @reply woken number, is_kept flag  -1 woken: there is no room to keep it
-- include: _waiting.lua
-- include: _live_jobs.lua

local known = call('HMGET', signals, 'i' .. signal_id, 'e' .. event)
local known_until, woken, was_kept = string.match(known[1] or '', '^(%d+):(%d+):(%d)$')
if known_until and tonumber(known_until) > now then return { tonumber(woken), tonumber(was_kept) } end

local score = wait_score(event_number)
local ids = {}
local beginning = WAIT .. event .. '\n'
for _, mark in ipairs(call('ZRANGE', due, score, score, 'BYSCORE')) do
  if string.sub(mark, 1, #beginning) == beginning then push(ids, string.sub(mark, #beginning + 1)) end
end
local scores = read_many('ZMSCORE', due, ids)
local records = read_many('HMGET', jobs, ids)
local waiting = {}
local their_records = {}
local stale = {}
for i, id in ipairs(ids) do
  local job = live_job(id, scores[i])
  if not scores[i] then
    push(stale, beginning .. id)
  elseif not job.is_leased and string.find(records[i] or '', '^.*,"waits":"[^"]*"}$') then
    push(waiting, job)
    push(their_records, records[i])
  end
end
load_keys_of(their_records, now)

local written = {}
local adding = {}
for i, job in ipairs(waiting) do
  -- Another score than before: whoever has read the job, to change it, learns that it has changed.
  local score = pack(job.time == now and now - 1 or now, job.claims, 0)
  local key, order = flow_of(their_records[i])
  job.lane, job.order = lanes_by_key[key], order
  push(written, job.id, with_signal(their_records[i], text))
  move_to(job, score, adding)
end

local is_kept = #waiting == 0 and keep_ms > 0
-- Fields of one HSETEX expire together: with the last of what they hold.
local last = now + math.max(keep_ms, known_ms)
local fields = { 'i' .. signal_id, whole(now + known_ms) .. ':' .. #waiting .. ':' .. (is_kept and 1 or 0) }
if is_kept then
  local kept = kept_signals(known[2])
  push(kept, { ends = now + keep_ms, text = text, stored = whole(now + keep_ms) .. ':' .. #text .. ':' .. text })
  local list, list_ends, bytes = text_of_signals(kept)
  if bytes > most_bytes then return { -1, 0 } end
  last = math.max(last, list_ends)
  push(fields, 'e' .. event, list)
end
call_many('HSET', jobs, written)
commit_keys(now, adding)
call_many('ZREM', due, stale)
set_expiring(signals, fields, last - now, now)
remove_expired(now)
return { #waiting, is_kept and 1 or 0 }
