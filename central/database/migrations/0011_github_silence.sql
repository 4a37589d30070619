-- Until when GitHub asked to be left alone, by the App itself or one of its installations: every replica calls with the same identity.
create table github_silence (
  client text primary key,
  silent_until timestamptz not null
);
