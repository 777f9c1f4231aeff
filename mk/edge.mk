# The migrations of schema/replica, put into libedge.a as text.
REPLICA_SQL := $(sort $(wildcard schema/replica/*.sql))

$(B)/dataplane/supervisor/replica_schema.c: $(REPLICA_SQL) mk/embed_sql.sh
	@mkdir -p $(@D)
	@sh mk/embed_sql.sh dataplane/supervisor/replica_schema.h $(REPLICA_SQL) >$@
$(B)/dataplane/supervisor/replica_schema.o: $(B)/dataplane/supervisor/replica_schema.c Makefile
	@$(CC) $(CFLAGS) $(BANNED) -MMD -MP -c -o $@ $<

$(B)/libedge.a: $(B)/dataplane/supervisor/replica_schema.o
