-- A worker's sites are compared all at once, and workers.compared_at says when. No version ever wrote or read this one.
comment on column sites.compared_at is 'unused; it stays, since a column is dropped only once no version that runs beside this one could name it';
