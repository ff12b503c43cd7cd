-- Moves the end of a lease, and rewrites the record under it where one is given.
-- ARGV: id, lease score, new lease score, record ('' for unchanged), nonce
-- Returns: 1, or 0 where the lease was lost
local id, from, to, record, nonce = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local score = tonumber(call('ZSCORE', due, id) or -1)
if score ~= from and score ~= to then return 0 end
if record ~= '' then call('HSET', jobs, id, record) end
if to ~= from then
  local ends = unpack_score(to)
  call('ZADD', due, ARGV[3], id, whole(UPPER + ends * 1024 + nonce), LEASE .. id)
end
return 1
