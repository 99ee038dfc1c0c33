#include "stack_table.h"

void stack_open(struct str *out, const struct stack_table *t)
{
	str_add(out, "<div class=\"msp-scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
	html_attr(out, t->label);
	str_add(out,
		"\">\n<table class=\"govuk-table msp-stack\" role=\"table\">\n<caption class=\"govuk-table__caption "
		"govuk-visually-hidden\">");
	html_text(out, t->label);
	str_add(out, "</caption>\n<thead class=\"govuk-table__head\" role=\"rowgroup\"><tr class=\"govuk-table__row\" "
		     "role=\"row\">");
	for (size_t i = 0; i < t->count; i++) {
		str_add(out, "<th scope=\"col\" role=\"columnheader\" class=\"govuk-table__header\">");
		html_text(out, t->columns[i]);
		str_add(out, "</th>");
	}
	str_add(out, "</tr></thead>\n<tbody class=\"govuk-table__body\" role=\"rowgroup\">\n");
}

void stack_row(struct str *out, const struct stack_table *t, const char *const *cells)
{
	str_add(out, "<tr class=\"govuk-table__row\" role=\"row\"><th scope=\"row\" role=\"rowheader\" "
		     "class=\"govuk-table__header\">");
	html_text(out, cells[0]);
	str_add(out, "</th>");
	for (size_t i = 1; i < t->count; i++) {
		str_add(out, "<td role=\"cell\" class=\"govuk-table__cell\" data-label=\"");
		html_attr(out, t->columns[i]);
		str_add(out, "\">");
		html_text(out, cells[i]);
		str_add(out, "</td>");
	}
	str_add(out, "</tr>\n");
}

void stack_close(struct str *out)
{
	str_add(out, "</tbody>\n</table>\n</div>\n");
}
