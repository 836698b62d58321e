/* yaml_parse.c - libyaml's bare parse: reads each file named, counts the events, builds nothing. What a compiler that reads YAML with
 * libyaml cannot be faster than. */
#include "config.h"

#include <stdio.h>
#include <yaml.h>

/* Events of one file; 0 if it is no YAML. */
static unsigned long
parse(const char *path)
{
    FILE *f = fopen(path, "rb");
    unsigned long events = 0;
    yaml_parser_t parser;
    yaml_event_t event;
    int end = 0;

    if (!f || !yaml_parser_initialize(&parser))
        return 0;
    yaml_parser_set_input_file(&parser, f);
    while (!end && yaml_parser_parse(&parser, &event)) {
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        events++;
    }
    yaml_parser_delete(&parser);
    fclose(f);
    return end ? events : 0;
}

int
main(int argc, char **argv)
{
    unsigned long all = 0, events;

    for (int i = 1; i < argc; i++, all += events)
        if ((events = parse(argv[i])) == 0) {
            fprintf(stderr, "yaml_parse: cannot read %s\n", argv[i]);
            return 1;
        }
    printf("%lu events\n", all);
    return 0;
}
