# The migrations of schema/sql, put into libcontrol.a as text.
SCHEMA_SQL := $(sort $(wildcard schema/sql/*.sql))

$(B)/control/store/schema_sql.c: $(SCHEMA_SQL) mk/embed_sql.sh
	@mkdir -p $(@D)
	@sh mk/embed_sql.sh control/store/schema.h $(SCHEMA_SQL) >$@
$(B)/control/store/schema_sql.o: $(B)/control/store/schema_sql.c control/store/schema.h Makefile
	@$(CC) $(CFLAGS) $(BANNED) -MMD -MP -c -o $@ $<

$(B)/libcontrol.a: $(B)/control/store/schema_sql.o

# main.c and what it reads its arguments with stand beside the rooms, not in one.
$(B)/trunkline-control: $(B)/control/main_arguments.o $(B)/control/main_store.o $(B)/control/main_user.o
