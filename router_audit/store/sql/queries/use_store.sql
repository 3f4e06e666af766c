-- For every connection. A bar would stand on stdout, before what scripts read.
USE store;
SET enable_progress_bar = false;
