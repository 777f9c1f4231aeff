#!/bin/sh
# Writes the migrations named as arguments as one C file to stdout: control/store/schema.h says how they are found.
set -eu
echo '/* Made by mk/embed_sql.sh. */'
echo '#include "control/store/schema.h"'
echo 'static const struct schema_migration migrations[] = {'
for file in "$@"; do
    name=$(basename "$file" .sql)
    number=$(expr "$name" : '0*\([1-9][0-9]*\)_')
    printf '    {%s, "%s",\n' "$number" "$name"
    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/     "/' -e 's/$/\\n"/' "$file"
    echo '    },'
done
cat <<'END'
};

const struct schema_migration *schema_migration_at(size_t index)
{
    return index < countof(migrations) ? &migrations[index] : NULL;
}
END
