-- One page of the completed jobs without an order, because they were not observed.
-- @arg limit number, bytes_left number, cursor text, seen number, scanned digits  of HSCAN; seen of its page; its COUNT
-- @reply cursor text, seen number, bytes number, jobs rows(id record)  cursor 0 and seen 0 at the end; bytes read
-- HSCAN returns all of a small hash, whatever its COUNT: hence the number of those seen.
-- If all of them have an order, there is nothing to find.
if cursor == '0' and seen == 0 and call('HLEN', done) <= call('ZCARD', done_order) then return { '0', 0, 0 } end
local next_cursor, fields = unpack(call('HSCAN', done, cursor, 'COUNT', scanned))
local next_seen = 0
local bytes = 0
local ids = {}
for i = 1, #fields, 2 do
  push(ids, fields[i])
  bytes = bytes + #fields[i + 1]
end
local ordered = read_many('ZMSCORE', done_order, ids)
local page = {}
for i = seen * 2 + 1, #fields, 2 do
  if not ordered[(i + 1) / 2] then
    local taken = #page / 2
    bytes_left = bytes_left - #fields[i + 1]
    if taken == limit or (taken > 0 and bytes_left < 0) then
      next_cursor = cursor
      next_seen = (i - 1) / 2
      break
    end
    push(page, fields[i], fields[i + 1])
  end
end
local reply = { next_cursor, next_seen, bytes }
push_all(reply, page)
return reply
